/* The parameters of Set and Get System Boot Options (IPMI 2.0, section 28.13, table 28-14): the
 * bytes behind the selectors, as on the wire. */
#ifndef VBMC_BMC_BOOT_PARAMETERS_H
#define VBMC_BMC_BOOT_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bmc_ticket;
struct boot_options;

/* Longest data of one parameter: a block of the mailbox with its number. */
#define BOOT_PARAMETER_MAX 17

struct boot_parameter {
    uint8_t number;
    bool invalid;        /* the client marks it so */
    const uint8_t *data; /* borrowed */
    size_t size;         /* 0: only the mark is changed */
};

/* Sets one; `session` (0: none) is who begins a "set in progress". 0: done; -EINPROGRESS: the
 * ticket is finished when it is stored, and that of the boot flags as boot_set_flags says; else
 * nothing has changed, and the ticket is not used: -ENOPROTOOPT, -EMSGSIZE, -ERANGE (no such
 * block), -EALREADY (a set is in progress already). */
int boot_set_parameter(struct boot_options *boot, const struct boot_parameter *parameter,
                       uint32_t session, const struct bmc_ticket *ticket);

/* Gets one, without version and number: at most BOOT_PARAMETER_MAX bytes. 0; -ENOPROTOOPT;
 * -ERANGE. */
int boot_get_parameter(const struct boot_options *boot, uint8_t number, uint8_t set_selector,
                       uint8_t data[BOOT_PARAMETER_MAX], size_t *size);

#endif
