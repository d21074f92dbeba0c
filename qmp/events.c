#include "qmp/events.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"

/* Sorted by name, as the enumeration is: the unit test looks every name up. */
static const char *const names[] = {
    [QMP_EVENT_OTHER] = "",
    [QMP_EVENT_GUEST_CRASHLOADED] = "GUEST_CRASHLOADED",
    [QMP_EVENT_GUEST_PANICKED] = "GUEST_PANICKED",
    [QMP_EVENT_POWERDOWN] = "POWERDOWN",
    [QMP_EVENT_RESET] = "RESET",
    [QMP_EVENT_RESUME] = "RESUME",
    [QMP_EVENT_SHUTDOWN] = "SHUTDOWN",
    [QMP_EVENT_STOP] = "STOP",
    [QMP_EVENT_SUSPEND] = "SUSPEND",
    [QMP_EVENT_SUSPEND_DISK] = "SUSPEND_DISK",
    [QMP_EVENT_WAKEUP] = "WAKEUP",
    [QMP_EVENT_WATCHDOG] = "WATCHDOG",
};

static int compare_name(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

enum qmp_event qmp_event_parse(const char *name)
{
    const char *const *found =
        bsearch(name, names, ARRAY_SIZE(names), sizeof names[0], compare_name);

    return found ? (enum qmp_event)(found - names) : QMP_EVENT_OTHER;
}

const char *qmp_event_name(enum qmp_event event)
{
    if (event == QMP_EVENT_OTHER || (size_t)event >= ARRAY_SIZE(names))
        return NULL;
    return names[event];
}
