/* The manufacturer that a BMC says it is of: an IANA private enterprise number. */
#ifndef VBMC_BMC_MANUFACTURER_H
#define VBMC_BMC_MANUFACTURER_H

/* Of Get Device ID, unless told otherwise: the number that is reserved for examples (RFC 5612). A
 * real vendor's switches on OEM paths in the clients. */
#define BMC_MANUFACTURER_DEFAULT 32473
#define BMC_MANUFACTURER_MAX     0xfffff /* 20 bits */

#endif
