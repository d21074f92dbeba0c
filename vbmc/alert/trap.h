/* An SNMP version 1 trap (RFC 1157) as bytes, by net-snmp, of which nothing else is used: no
 * sessions, no MIBs, no configuration files. */
#ifndef VBMC_ALERT_TRAP_H
#define VBMC_ALERT_TRAP_H

#include <stddef.h>
#include <stdint.h>

/* A community of 255 bytes and a value of TRAP_VALUE_MAX fit. */
#define TRAP_SIZE_MAX  512
#define TRAP_VALUE_MAX 128

/* An enterprise-specific trap with one variable, an octet string. All is borrowed. */
struct trap {
    const char *community;
    const unsigned long *enterprise;
    size_t enterprise_length;
    uint8_t agent[4]; /* address of the sender, in network order; zeros: none */
    uint32_t specific;
    uint32_t time_cs; /* since the sender came up, in 1/100 s */
    const unsigned long *variable;
    size_t variable_length;
    const uint8_t *value;
    size_t value_size;
};

/* Returns its length; -EMSGSIZE, -ENOMEM. */
int trap_encode(const struct trap *trap, uint8_t bytes[TRAP_SIZE_MAX]);

#endif
