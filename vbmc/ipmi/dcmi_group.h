/* The group DCMI, with which request and response data of its commands begin. */
#ifndef VBMC_IPMI_DCMI_GROUP_H
#define VBMC_IPMI_DCMI_GROUP_H

struct ipmi_request;
struct wire_in;
struct wire_out;

/* Takes the group, which dispatch has looked at, and answers it. NULL if the BMC has no DCMI. */
struct dcmi *dcmi_group_begin(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out);

#endif
