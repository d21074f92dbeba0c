/* What the metadata of the guest's domain says of its BMC: stored, so that it holds before the
 * domain is seen again. */
#ifndef VBMC_INSTANCE_DECLARED_H
#define VBMC_INSTANCE_DECLARED_H

#include <stdbool.h>

struct config_declared;
struct instance;

/* Borrowed; all zero if it says nothing. */
const struct config_declared *instance_declared(const struct instance *instance);
/* What of it is wrong, for people; "": nothing. */
const char *instance_declared_problem(const struct instance *instance);

/* For instance.c and stored.c: reads what the record has. */
void instance_read_metadata(struct instance *instance);
/* Whether the record has another text than this (NULL: none). */
bool instance_has_other_metadata(const struct instance *instance, const char *text);
/* Takes the text over into the record, which the caller has stored. True if it gives the BMC
 * another place than before. The caller also configures it anew. */
bool instance_take_metadata(struct instance *instance, const char *text);

#endif
