#include "vbmc/bmc/acpi.h"

#include <errno.h>

/* Table 20-9. */
#define ACPI_S0          0x00
#define ACPI_S3          0x03
#define ACPI_S5          0x05
#define ACPI_S5_OVERRIDE 0x0a
#define ACPI_LEGACY_ON   0x20
#define ACPI_LEGACY_OFF  0x21
#define ACPI_UNKNOWN     0x2a
#define ACPI_NO_CHANGE   0x7f
#define ACPI_D3          0x03

uint8_t acpi_system_state(const struct acpi *acpi, enum host_power_state guest)
{
    static const uint8_t states[] = {
        [HOST_POWER_UNKNOWN] = ACPI_UNKNOWN, [HOST_POWER_OFF] = ACPI_S5,
        [HOST_POWER_RUNNING] = ACPI_S0,      [HOST_POWER_PAUSED] = ACPI_S0,
        [HOST_POWER_SUSPENDED] = ACPI_S3,    [HOST_POWER_CRASHED] = ACPI_S0,
    };

    return acpi->is_told && guest != HOST_POWER_UNKNOWN ? acpi->system : states[guest];
}

static bool is_system_state(uint8_t state)
{
    return state <= ACPI_S5_OVERRIDE || state == ACPI_LEGACY_ON || state == ACPI_LEGACY_OFF ||
           state == ACPI_UNKNOWN || state == ACPI_NO_CHANGE;
}

static bool is_device_state(uint8_t state)
{
    return state <= ACPI_D3 || state == ACPI_UNKNOWN || state == ACPI_NO_CHANGE;
}

int acpi_set(struct acpi *acpi, const uint8_t *system, const uint8_t *device)
{
    if ((system && !is_system_state(*system)) || (device && !is_device_state(*device)))
        return -EDOM;
    if (system && *system != ACPI_NO_CHANGE) {
        acpi->is_told = true;
        acpi->system = *system;
    }
    if (device && *device != ACPI_NO_CHANGE)
        acpi->device = *device;
    return 0;
}

void acpi_set_defaults(struct acpi *acpi)
{
    *acpi = (struct acpi){.device = ACPI_D0};
}

void acpi_host_event(struct acpi *acpi, enum host_event event)
{
    if (event == HOST_EVENT_STARTED || event == HOST_EVENT_STOPPED || event == HOST_EVENT_RESET ||
        event == HOST_EVENT_STATE)
        acpi->is_told = false;
}
