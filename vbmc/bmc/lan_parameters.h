/* The parameters of Set and Get LAN Configuration Parameters (IPMI 2.0, sections 23.1 to 23.2,
 * table 23-4): the bytes behind the parameter's number, as on the wire. */
#ifndef VBMC_BMC_LAN_PARAMETERS_H
#define VBMC_BMC_LAN_PARAMETERS_H

#include <stddef.h>
#include <stdint.h>

struct bmc_ticket;
struct lan;

/* Longest data of one parameter: an IPv6 address of a host with set selector, format, prefix and
 * state. */
#define LAN_PARAMETER_MAX 20

/* Sets one from `size` bytes; `session` (0: the system interface) is whose "set in progress" it is.
 * 0: done; -EINPROGRESS: the ticket is finished when it is stored; else nothing has changed, and
 * the ticket is not used: -ENOPROTOOPT (there is no such parameter), -EBADF (it is read-only, or an
 * address that stays what it is), -EMSGSIZE, -EDOM (a value that there is not, a reserved bit),
 * -EALREADY (a set is in progress already), -ENOMEM. Writing what is there is no change. */
int lan_set_parameter(struct lan *lan, uint8_t number, const uint8_t *data, size_t size,
                      uint32_t session, const struct bmc_ticket *ticket);

/* Gets one, without the revision: at most LAN_PARAMETER_MAX bytes. 0; -ENOPROTOOPT; -ERANGE: there
 * is no such set or block. */
int lan_get_parameter(const struct lan *lan, uint8_t number, uint8_t set, uint8_t block,
                      uint8_t data[LAN_PARAMETER_MAX], size_t *size);

/* ---- for the way to the disk ---- */

/* The n-th parameter that clients have set, and whose value outlasts a restart: all its sets one
 * behind the other. Borrowed until the next change. 0, or -ENOENT at the end. */
int lan_stored_parameter(const struct lan *lan, unsigned n, uint8_t *number, const uint8_t **bytes,
                         size_t *size);
/* Forgets all of them, not what is pending or volatile; and takes one over. 0; -EINVAL: it cannot
 * have been stored; -ENOMEM. */
void lan_forget_parameters(struct lan *lan);
int lan_restore_parameter(struct lan *lan, uint8_t number, const uint8_t *bytes, size_t size);

/* Everything is as it was before any client set it; the caller reports BMC_PART_LAN as changed. */
void lan_reset(struct lan *lan);

#endif
