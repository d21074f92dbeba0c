/* What is configured of Platform Event Filtering (IPMI 2.0, table 30-5), as the bytes of the
 * parameters. A BMC whose clients have changed nothing has no copy of its own. */
#ifndef VBMC_BMC_PEF_SETTINGS_H
#define VBMC_BMC_PEF_SETTINGS_H

#include <stdint.h>

#define PEF_FILTERS       32
#define PEF_FILTER_SIZE   20
#define PEF_POLICIES      16
#define PEF_POLICY_SIZE   3
#define PEF_STRINGS       16 /* beside string 0, which is volatile */
#define PEF_STRING_BLOCK  16
#define PEF_STRING_BLOCKS 4
#define PEF_STRING_SIZE   (PEF_STRING_BLOCKS * PEF_STRING_BLOCK)
#define PEF_GUID_SIZE     16

/* PEF control (parameter 1). */
enum {
    PEF_ENABLED = 0x01,
    PEF_EVENT_MESSAGES = 0x02, /* its actions are logged */
    PEF_STARTUP_DELAY = 0x04,
    PEF_ALERT_STARTUP_DELAY = 0x08,
};

/* Actions: of a filter, of parameter 2 and of Get PEF Capabilities. There is no OEM action (10h).
 */
enum {
    PEF_ACTION_ALERT = 0x01,
    PEF_ACTION_POWER_DOWN = 0x02,
    PEF_ACTION_RESET = 0x04,
    PEF_ACTION_POWER_CYCLE = 0x08,
    PEF_ACTION_DIAGNOSTIC_INTERRUPT = 0x20,
    PEF_ACTIONS = 0x2f,
};

/* Bytes of an event filter (table 17-2). */
enum {
    PEF_FILTER_CONFIGURATION = 0,
    PEF_FILTER_ACTION = 1,
    PEF_FILTER_POLICY = 2,
    PEF_FILTER_SEVERITY = 3,
    PEF_FILTER_GENERATOR = 4,
    PEF_FILTER_SENSOR_TYPE = 6,
    PEF_FILTER_SENSOR_NUMBER = 7,
    PEF_FILTER_TRIGGER = 8,
    PEF_FILTER_OFFSET_MASK = 9,
    PEF_FILTER_DATA = 11, /* AND mask, compare 1, compare 2, of each of three bytes */
};
#define PEF_FILTER_ENABLED 0x80 /* in the configuration byte */
#define PEF_FILTER_FACTORY 0x40
#define PEF_FILTER_ANY     0xff

/* Bytes of an alert policy entry (table 17-4). */
enum {
    PEF_POLICY_RULE = 0, /* [7:4] policy number, [3] enabled, [2:0] enum pef_rule */
    PEF_POLICY_DESTINATION = 1,
    PEF_POLICY_STRING = 2, /* [7] looked for by filter, [6:0] string set; else the string itself */
};
#define PEF_POLICY_ENABLED        0x08
#define PEF_POLICY_EVENT_SPECIFIC 0x80

/* What an entry does when the destination before it was reached. */
enum pef_rule {
    PEF_RULE_ALWAYS = 0,
    PEF_RULE_SKIP = 1,          /* goes on to the next entry */
    PEF_RULE_STOP = 2,          /* ends the set */
    PEF_RULE_OTHER_CHANNEL = 3, /* goes on to the next entry of another channel, */
    PEF_RULE_OTHER_TYPE = 4,    /* or of another type of destination */
};

struct pef_string {
    uint8_t filter, set;        /* its key */
    char text[PEF_STRING_SIZE]; /* zeros behind it; no zero if it is as long */
};

struct pef_settings {
    uint8_t control;
    uint8_t actions;
    uint8_t startup_delay_s;
    uint8_t alert_startup_delay_s;
    uint8_t uses_guid; /* 1: `guid` is that of traps, else the BMC's own */
    uint8_t guid[PEF_GUID_SIZE];
    uint8_t filters[PEF_FILTERS][PEF_FILTER_SIZE];
    uint8_t policies[PEF_POLICIES][PEF_POLICY_SIZE];
    struct pef_string strings[1 + PEF_STRINGS]; /* 0: volatile */
};

/* Filters as servers come with them, whose only action is an alert by policy 1; entries of that
 * policy, disabled, to the destinations 1 to 15; PEF itself is off. */
extern const struct pef_settings pef_default_settings;

#endif
