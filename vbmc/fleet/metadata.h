/* A BMC follows what the metadata of its guest's domain says of it. */
#ifndef VBMC_FLEET_METADATA_H
#define VBMC_FLEET_METADATA_H

struct fleet;
struct instance;

/* The domain, or its metadata, may be another; without a domain what was said last holds. */
void fleet_follow_metadata(struct fleet *fleet, struct instance *instance);

#endif
