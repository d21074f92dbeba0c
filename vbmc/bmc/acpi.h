/* The ACPI power states of system and BMC (IPMI 2.0, sections 20.6 and 20.7). The BMC sees for
 * itself whether its guest runs; what it is told holds until the guest starts, stops or is reset.
 */
#ifndef VBMC_BMC_ACPI_H
#define VBMC_BMC_ACPI_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/host/host.h"

#define ACPI_D0 0x00

struct acpi {
    bool is_told;
    uint8_t system; /* if so */
    uint8_t device; /* of the BMC itself */
};

/* The state of the system, as Get ACPI Power State has it. */
uint8_t acpi_system_state(const struct acpi *acpi, enum host_power_state guest);
/* Tells one or both; NULL: as before. 0, or -EDOM for a state that there is not; then nothing has
 * changed. */
int acpi_set(struct acpi *acpi, const uint8_t *system, const uint8_t *device);
/* For bmc.c. */
void acpi_set_defaults(struct acpi *acpi);
void acpi_host_event(struct acpi *acpi, enum host_event event);

#endif
