/* The QMP events the BMC acts on (QEMU: qapi/run-state.json). A diagnostic interrupt has none:
 * inject-nmi shows only in the guest. */
#ifndef QMP_EVENTS_H
#define QMP_EVENTS_H

enum qmp_event {
    QMP_EVENT_OTHER,             /* any name not below */
    QMP_EVENT_GUEST_CRASHLOADED, /* the guest panicked and runs its crash kernel */
    QMP_EVENT_GUEST_PANICKED,
    QMP_EVENT_POWERDOWN, /* the power button was pressed, by system_powerdown */
    QMP_EVENT_RESET,     /* may come before system_reset's own reply */
    QMP_EVENT_RESUME,
    QMP_EVENT_SHUTDOWN, /* QEMU is about to end, unless started with -no-shutdown */
    QMP_EVENT_STOP,
    QMP_EVENT_SUSPEND,      /* to memory */
    QMP_EVENT_SUSPEND_DISK, /* followed by SHUTDOWN */
    QMP_EVENT_WAKEUP,
    QMP_EVENT_WATCHDOG,
};

enum qmp_event qmp_event_parse(const char *name);
/* The name, static; NULL for QMP_EVENT_OTHER. */
const char *qmp_event_name(enum qmp_event event);

#endif
