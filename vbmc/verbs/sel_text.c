#include "vbmc/verbs/sel_text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/bmc/watchdog.h"

#define TEXT_SIZE 160

/* Table 32-1. */
#define TYPE_OEM_FIRST  0xc0
#define SOFTWARE_ID     0x01 /* in the generator: its first byte is no address */
#define EVENT_TYPE_MASK 0x7f
#define OFFSET_MASK     0x0f
#define UNSPECIFIED     0xff

/* What event data 1 says of data 2 and of data 3 (section 29.7). */
#define DATA2_KIND(data1) ((data1) >> 6 & 3)
#define DATA3_KIND(data1) ((data1) >> 4 & 3)
#define KIND_THRESHOLD    1 /* a reading, a threshold */
#define KIND_SPECIFIC     3

struct event {
    uint16_t id;
    uint8_t record_type;
    uint32_t time;
    uint16_t generator;
    uint8_t type;
    uint8_t number;
    uint8_t event_type;
    bool deassertion;
    uint8_t offset;
    uint8_t data[3];
};

static struct event read_event(const uint8_t record[SEL_RECORD_SIZE])
{
    struct wire_in in = wire_in_init(record, SEL_RECORD_SIZE);
    struct event event = {
        .id = wire_u16(&in),
        .record_type = wire_u8(&in),
        .time = wire_u32(&in),
        .generator = wire_u16(&in),
    };

    wire_skip(&in, 1); /* the event message's revision */
    event.type = wire_u8(&in);
    event.number = wire_u8(&in);
    uint8_t direction = wire_u8(&in);
    event.event_type = direction & EVENT_TYPE_MASK;
    event.deassertion = direction & SEL_DEASSERTION;
    wire_copy(&in, event.data, sizeof event.data);
    event.offset = event.data[0] & OFFSET_MASK;
    return event;
}

static void add_text(struct json_object *row, const char *key, const char *text)
{
    json_object_object_add(row, key, json_object_new_string(text));
}

static void add_time(struct json_object *row, const struct event *event)
{
    time_t seconds = (time_t)event->time;
    struct tm tm;
    char text[32];
    bool is_known = event->record_type < SEL_TYPE_WITHOUT_TIME &&
                    event->time >= SEL_TIME_OF_DAY_FIRST && event->time != SEL_TIME_UNSPECIFIED;

    if (is_known && gmtime_r(&seconds, &tm) &&
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
        add_text(row, "time", text);
    else
        json_object_object_add(row, "time", NULL);
}

/* Software ids of section 5.5. */
static void add_generator(struct json_object *row, uint16_t generator)
{
    static const struct {
        uint8_t last;
        const char *name;
    } software[] = {{0x0f, "BIOS"},
                    {0x1f, "SMI handler"},
                    {0x2f, "system software"},
                    {0x3f, "OEM software"},
                    {0x46, "remote console"}};
    uint8_t id = (generator & 0xff) >> 1;
    char text[32];

    snprintf(text, sizeof text, "0x%04x", generator);
    if (generator == SEL_GENERATOR_BMC)
        snprintf(text, sizeof text, "BMC");
    for (size_t i = 0; generator & SOFTWARE_ID && i < ARRAY_SIZE(software); i++) {
        if (id > software[i].last)
            continue;
        snprintf(text, sizeof text, "%s", software[i].name);
        break;
    }
    add_text(row, "generator", text);
}

static void add_type(struct json_object *row, uint8_t type)
{
    const char *known = sensor_type_text(type);
    char text[16];

    snprintf(text, sizeof text, "0x%02x", type);
    add_text(row, "type", known ? known : text);
}

/* Others may use the same numbers for sensors of theirs. */
static bool find_sensor(const struct sensors *sensors, const struct event *event,
                        struct sensor_view *view)
{
    return sensors && event->generator == SEL_GENERATOR_BMC &&
           sensors_view(sensors, event->number, view) == 0 && view->type == event->type;
}

static void add_sensor(struct json_object *row, const struct sensors *sensors,
                       const struct event *event)
{
    struct sensor_view view;
    char text[16];

    snprintf(text, sizeof text, "#0x%02x", event->number);
    add_text(row, "sensor", find_sensor(sensors, event, &view) ? view.name : text);
}

/* ---- what is behind the offset ---- */

/* "reading 95 > threshold 92 C" */
static void describe_threshold(const struct sensors *sensors, const struct event *event,
                               char text[TEXT_SIZE])
{
    bool is_high = event->offset & 1; /* going high (table 42-2) */
    struct sensor_scale scale;
    struct sensor_view view;

    if (!find_sensor(sensors, event, &view) || DATA2_KIND(event->data[0]) != KIND_THRESHOLD ||
        sensors_scale(sensors, event->number, &scale) < 0)
        return;
    double reading = sensor_scale_to_value(&scale, event->data[1]);
    double threshold = sensor_scale_to_value(&scale, event->data[2]);
    if (DATA3_KIND(event->data[0]) != KIND_THRESHOLD)
        snprintf(text, TEXT_SIZE, "reading %.6g %s", reading, view.unit);
    else
        snprintf(text, TEXT_SIZE, "reading %.6g %s threshold %.6g %s", reading,
                 reading == threshold            ? "="
                 : is_high != event->deassertion ? ">"
                                                 : "<",
                 threshold, view.unit);
}

/* Restart causes (section 28.11). */
static void describe_restart(const struct event *event, char text[TEXT_SIZE])
{
    static const char *const causes[] = {
        NULL,
        "chassis control",
        "reset button",
        "power button",
        "watchdog",
        "OEM",
        "restore policy: always on",
        "restore policy: previous state",
        "event filter: reset",
        "event filter: power cycle",
        "soft reset",
        "real-time clock",
    };
    uint8_t cause = event->data[1] & 0x0f;

    if (DATA2_KIND(event->data[0]) == KIND_SPECIFIC && event->data[1] != UNSPECIFIED &&
        cause < ARRAY_SIZE(causes) && causes[cause])
        snprintf(text, TEXT_SIZE, "%s", causes[cause]);
}

static void describe_fullness(const struct event *event, char text[TEXT_SIZE])
{
    if (DATA3_KIND(event->data[0]) == KIND_SPECIFIC && event->data[2] <= 100)
        snprintf(text, TEXT_SIZE, "%u %%", event->data[2]);
}

static void describe_clock(const struct event *event, char text[TEXT_SIZE])
{
    if (event->offset == 5 && DATA2_KIND(event->data[0]) == KIND_SPECIFIC)
        snprintf(text, TEXT_SIZE, "%s", event->data[1] & 0x80 ? "new time" : "former time");
}

/* "SMS/OS, NMI": the timer's use and its pre-timeout interrupt. */
static void describe_watchdog(const struct event *event, char text[TEXT_SIZE])
{
    static const char *const interrupts[] = {NULL, "SMI", "NMI", "messaging interrupt"};
    size_t use = event->data[1] & 0x0f, interrupt = event->data[1] >> 4;

    if (DATA2_KIND(event->data[0]) != KIND_SPECIFIC || use < WATCHDOG_USE_BIOS_FRB2 ||
        use > WATCHDOG_USE_OEM)
        return;
    bool has_interrupt = interrupt > 0 && interrupt < ARRAY_SIZE(interrupts);
    snprintf(text, TEXT_SIZE, "%s%s%s", watchdog_use_name((enum watchdog_use)use),
             has_interrupt ? ", " : "", has_interrupt ? interrupts[interrupt] : "");
}

static void describe_session(const struct event *event, char text[TEXT_SIZE])
{
    unsigned user = event->data[1] & 0x3f;

    if (DATA2_KIND(event->data[0]) == KIND_SPECIFIC && event->data[1] != UNSPECIFIED && user != 0)
        snprintf(text, TEXT_SIZE, "user %u", user);
}

static const struct {
    uint8_t type;
    void (*describe)(const struct event *event, char text[TEXT_SIZE]);
} descriptions[] = {
    {0x10, describe_fullness}, {0x12, describe_clock},   {0x1d, describe_restart},
    {0x23, describe_watchdog}, {0x2a, describe_session},
};

static void add_event(struct json_object *row, const struct sensors *sensors,
                      const struct event *event)
{
    const char *state = sensor_state_text(event->type, event->event_type, event->offset);
    char detail[TEXT_SIZE] = "", text[2 * TEXT_SIZE];

    if (event->event_type == EVENT_TYPE_THRESHOLD)
        describe_threshold(sensors, event, detail);
    for (size_t i = 0; event->event_type == EVENT_TYPE_SPECIFIC && i < ARRAY_SIZE(descriptions);
         i++) {
        if (descriptions[i].type == event->type)
            descriptions[i].describe(event, detail);
    }
    if (state)
        snprintf(text, sizeof text, "%s%s%s%s", state, *detail ? " (" : "", detail,
                 *detail ? ")" : "");
    else
        snprintf(text, sizeof text, "event type 0x%02x, data %02x %02x %02x", event->event_type,
                 event->data[0], event->data[1], event->data[2]);
    add_text(row, "event", text);
}

static const char *severity_of(const struct event *event)
{
    if (event->deassertion)
        return "ok";
    switch (sensor_state_severity(event->type, event->event_type, event->offset)) {
    case SENSOR_OK:
        return "ok";
    case SENSOR_WARNING:
        return "warning";
    case SENSOR_CRITICAL:
    case SENSOR_NON_RECOVERABLE:
        break;
    }
    return "critical";
}

/* ---- records ---- */

static void add_hex(struct json_object *row, const char *key, const uint8_t *bytes, size_t size)
{
    char text[2 * SEL_RECORD_SIZE + 1] = "";

    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    add_text(row, key, text);
}

/* Linux writes its last words in records of this type: the BMC's address, their number, and eleven
 * characters (its Documentation/driver-api/ipmi.rst). Others may use it too: what is no such text
 * stays as it is. Length of the text, 0: it is none. */
#define TYPE_LINUX_PANIC 0xf0
#define PANIC_TEXT       5 /* offset in the record */

static int panic_text_length(const uint8_t record[SEL_RECORD_SIZE])
{
    int length = 0;

    if (record[2] != TYPE_LINUX_PANIC || record[3] != (uint8_t)SEL_GENERATOR_BMC)
        return 0;
    while (PANIC_TEXT + length < SEL_RECORD_SIZE && record[PANIC_TEXT + length] >= ' ' &&
           record[PANIC_TEXT + length] <= '~')
        length++;
    for (int i = PANIC_TEXT + length; i < SEL_RECORD_SIZE; i++) {
        if (record[i] != 0)
            return 0;
    }
    return length;
}

/* A record whose meaning its writer alone knows. */
static void add_oem(struct json_object *row, const struct event *event, const uint8_t *record)
{
    size_t head = event->record_type < SEL_TYPE_WITHOUT_TIME ? 7 : 3;
    char text[16];

    snprintf(text, sizeof text, "OEM 0x%02x", event->record_type);
    add_text(row, "generator", "");
    add_text(row, "type", text);
    add_text(row, "sensor", "");
    int length = panic_text_length(record);
    if (length > 0) {
        snprintf(text, sizeof text, "'%.*s'", length, (const char *)record + PANIC_TEXT);
        add_text(row, "event", text);
    } else {
        add_hex(row, "event", record + head, SEL_RECORD_SIZE - head);
    }
    add_text(row, "direction", "");
    add_text(row, "severity", "ok");
}

struct json_object *sel_text_row(const struct sensors *sensors,
                                 const uint8_t record[SEL_RECORD_SIZE])
{
    struct json_object *row = json_object_new_object();
    const struct event event = read_event(record);

    json_object_object_add(row, "id", json_object_new_int(event.id));
    add_time(row, &event);
    if (event.record_type >= TYPE_OEM_FIRST) {
        add_oem(row, &event, record);
    } else {
        add_generator(row, event.generator);
        add_type(row, event.type);
        add_sensor(row, sensors, &event);
        add_event(row, sensors, &event);
        add_text(row, "direction", event.deassertion ? "deasserted" : "asserted");
        add_text(row, "severity", severity_of(&event));
    }
    add_hex(row, "raw", record, SEL_RECORD_SIZE);
    return row;
}
