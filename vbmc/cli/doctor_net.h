/* What `vbmc doctor` looks at: addresses and ports. */
#ifndef VBMC_CLI_DOCTOR_NET_H
#define VBMC_CLI_DOCTOR_NET_H

#include <stdbool.h>

struct doctor;
union endpoint_address;

void doctor_check_network(struct doctor *doctor);
/* True for an address that only this machine reaches. */
bool doctor_is_loopback(const union endpoint_address *address);

#endif
