/* The parameters of Set and Get PEF Configuration Parameters (IPMI 2.0, sections 30.3 and 30.4,
 * table 30-5): the bytes behind the parameter selector, as on the wire. */
#ifndef VBMC_BMC_PEF_PARAMETERS_H
#define VBMC_BMC_PEF_PARAMETERS_H

#include <stddef.h>
#include <stdint.h>

struct bmc_ticket;
struct pef;

/* Longest data of one parameter: an event filter behind its number. */
#define PEF_PARAMETER_MAX 21

struct pef_parameter {
    uint8_t number;
    const uint8_t *data; /* borrowed */
    size_t size;
};

/* Sets one; `session` (0: none) is who begins a "set in progress". 0: done, or there already;
 * -EINPROGRESS: the ticket is finished when it is stored; else nothing has changed, and the ticket
 * is not used: -ENOPROTOOPT, -EBADF (read-only), -EMSGSIZE, -ERANGE (no such filter, entry, string
 * or block), -EDOM (a value that there is not), -EALREADY (a set is in progress already), -ENOMEM.
 */
int pef_set_parameter(struct pef *pef, const struct pef_parameter *parameter, uint32_t session,
                      const struct bmc_ticket *ticket);

/* Gets one. The number of bytes, at most PEF_PARAMETER_MAX; -ENOPROTOOPT; -ERANGE. */
int pef_get_parameter(const struct pef *pef, uint8_t number, uint8_t set, uint8_t block,
                      uint8_t data[PEF_PARAMETER_MAX]);

/* ---- storing ---- */

/* The n-th parameter that is not as the defaults have it: its number, then the data with which it
 * is set. The number of bytes, at most 1 + PEF_PARAMETER_MAX; 0: as the defaults have it; -ENOENT
 * behind the last. */
int pef_changed_parameter(const struct pef *pef, unsigned n, uint8_t bytes[1 + PEF_PARAMETER_MAX]);
/* Takes over what that has given. As pef_set_parameter; 0 where that has to be stored. */
int pef_restore_parameter(struct pef *pef, const uint8_t *bytes, size_t size);
/* Back to the defaults, all that is stored: not alert string 0. */
void pef_reset_parameters(struct pef *pef);

#endif
