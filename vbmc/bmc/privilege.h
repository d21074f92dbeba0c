/* Privilege levels of IPMI 2.0 (section 6.8); the numbers are those of the wire. */
#ifndef VBMC_BMC_PRIVILEGE_H
#define VBMC_BMC_PRIVILEGE_H

enum privilege {
    PRIVILEGE_NONE = 0,    /* what asks for it needs no log-in */
    PRIVILEGE_HIGHEST = 0, /* in a session request: the highest available */
    PRIVILEGE_CALLBACK = 1,
    PRIVILEGE_USER = 2,
    PRIVILEGE_OPERATOR = 3,
    PRIVILEGE_ADMINISTRATOR = 4,
    PRIVILEGE_OEM = 5,
    PRIVILEGE_NO_ACCESS = 15,
};

#endif
