/* What DCMI 1.5 adds to IPMI: power readings over a window, a power limit, names and limits.
 *
 * Power statistics of mode 1 are those of the last DCMI_WINDOW_S seconds, or of as much of them as
 * the BMC has run; mode 2 has rolling windows from 5 s to 1 h (power_history.h).
 *
 * The asset tag is that of FRU 0 (fru.h). */
#ifndef VBMC_BMC_DCMI_H
#define VBMC_BMC_DCMI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bmc_core;
struct chassis;
struct dcmi;
struct power_statistics;
struct sensors;

#define DCMI_WINDOW_S       300
#define DCMI_IDENTIFIER_MAX 63 /* bytes, without a terminator */

enum dcmi_limit {
    DCMI_LIMIT_POWER,
    DCMI_LIMIT_INLET_TEMPERATURE,
};

struct dcmi_ops {
    /* A limit with an exception action (power off, or log) was exceeded for longer than it allows,
     * or is no longer (exceeded false): once each, and that the same limit is exceeded once a
     * minute at most. For the event log. The power-off itself follows. May not call back into the
     * DCMI part. */
    void (*limit_exceeded)(void *context, enum dcmi_limit limit, bool exceeded);
};

/* Of a BMC with that chassis and those sensors (NULL: none), which outlive it. NULL if there is no
 * memory. */
struct dcmi *dcmi_new(const struct bmc_core *core, struct chassis *chassis,
                      const struct sensors *sensors);
/* NULL is allowed. */
void dcmi_free(struct dcmi *dcmi);
/* Without them exceptions make no events. */
void dcmi_set_ops(struct dcmi *dcmi, const struct dcmi_ops *ops, void *context);
/* The domain's name, which is the controller's identifier until a client sets another; before this
 * call it is "DCMI" and the last 12 digits of the UUID. */
void dcmi_set_name(struct dcmi *dcmi, const char *name);

/* ---- power ---- */

/* What the server draws from the mains now; called about once a second, unless it is held. Looks
 * whether the power limit and the limit of the inlet's temperature (by its sensor) are kept, and
 * takes their exception actions. */
void dcmi_note_power(struct dcmi *dcmi, uint64_t now_ms, double watts);
/* Whether calls with the same watts would do nothing but go on. Then dcmi_hold_power stands for
 * them, until dcmi_release_power (up to that time they would have come) or the next note. */
bool dcmi_is_at_rest(const struct dcmi *dcmi);
void dcmi_hold_power(struct dcmi *dcmi);
void dcmi_release_power(struct dcmi *dcmi, uint64_t at_ms);
/* The reading, of which Sys Power is the same; 0 before the first. */
unsigned dcmi_current_watts(const struct dcmi *dcmi);
/* Statistics, as power_history_read; and whether they go on (DCMI 1.5, section 6.6.1). */
int dcmi_power_statistics(struct dcmi *dcmi, unsigned window_s,
                          struct power_statistics *statistics);
bool dcmi_power_is_measured(const struct dcmi *dcmi);

/* Section 6.6.2. The correction time is how long the limit may be exceeded without a break before
 * the exception action is taken, once, until the power is below the limit again (and once a minute
 * at most). */
enum dcmi_power_action {
    DCMI_POWER_NO_ACTION = 0x00,
    DCMI_POWER_OFF = 0x01, /* hard, and an event */
    DCMI_POWER_LOG = 0x11, /* an event only */
};

#define DCMI_CORRECTION_MS_MIN 1000 /* power is looked at once a second */
#define DCMI_CORRECTION_MS_MAX 3600000

struct dcmi_power_limit {
    bool active;
    enum dcmi_power_action action;
    uint16_t watts; /* 0: none was set; cannot be activated */
    uint32_t correction_ms;
    uint16_t sampling_s; /* of the management application: kept for it */
};

const struct dcmi_power_limit *dcmi_power_limit(const struct dcmi *dcmi);
/* The caller reports BMC_PART_DCMI as changed, here and below. 0 or -EINVAL. */
int dcmi_set_power_limit(struct dcmi *dcmi, const struct dcmi_power_limit *limit);
/* What is to be enforced; 0: no limit is active. */
unsigned dcmi_power_limit_watts(const struct dcmi *dcmi);

/* ---- temperature of the inlet ---- */

enum {
    DCMI_THERMAL_PERSISTENT = 0x80, /* of ipmitool: kept over a restart of the BMC */
    DCMI_THERMAL_POWER_OFF = 0x40,  /* hard, and an event */
    DCMI_THERMAL_LOG = 0x20,        /* an event only */
};

struct dcmi_thermal_limit {
    uint8_t actions; /* of the three above */
    uint8_t celsius;
    uint16_t exception_s; /* how long it may be exceeded without a break */
};

const struct dcmi_thermal_limit *dcmi_thermal_limit(const struct dcmi *dcmi);
/* 0 or -EINVAL. */
int dcmi_set_thermal_limit(struct dcmi *dcmi, const struct dcmi_thermal_limit *limit);

/* ---- identifier of the management controller ---- */

/* Its bytes, without a terminator. Returns the length. */
size_t dcmi_identifier(const struct dcmi *dcmi, char bytes[DCMI_IDENTIFIER_MAX]);
bool dcmi_identifier_is_set(const struct dcmi *dcmi);
/* A length of 0: the domain's name again. 0 or -EINVAL. */
int dcmi_set_identifier(struct dcmi *dcmi, const char *bytes, size_t length);

/* ---- DHCP: kept for clients; this BMC does not ask DHCP for its address ---- */

struct dcmi_dhcp {
    uint8_t discovery; /* [7] random back-off, [1] option 60, [0] option 12 */
    uint8_t initial_timeout_s;
    uint16_t contact_timeout_s, contact_retry_s;
};

const struct dcmi_dhcp *dcmi_dhcp(const struct dcmi *dcmi);
/* The caller reports BMC_PART_DCMI as changed. */
void dcmi_set_dhcp(struct dcmi *dcmi, const struct dcmi_dhcp *dhcp);

/* Back to the defaults, all that is stored. */
void dcmi_reset(struct dcmi *dcmi);

/* ---- for bmc.c ---- */

/* The BMC starts again: a thermal limit that is not persistent is not what dcmi_reset leaves. */
void dcmi_restart(struct dcmi *dcmi);

#endif
