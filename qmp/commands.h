/* The QMP commands we use, with checked results. Each function returns what qmp_client_execute
 * returns (0, or negative with the callback never called), or -ENOMEM. A result of another shape
 * than QEMU documents ends as QMP_FAILURE_PROTOCOL. Structs passed to callbacks are borrowed for
 * the call. */
#ifndef QMP_COMMANDS_H
#define QMP_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

struct qmp_client;
struct qmp_error;

/* Commands without arguments and without a result. */
enum qmp_command {
    QMP_COMMAND_CONT,
    QMP_COMMAND_INJECT_NMI,
    QMP_COMMAND_QUIT, /* ends by its reply, or by QMP_FAILURE_DISCONNECTED with may_have_run */
    QMP_COMMAND_STOP,
    QMP_COMMAND_SYSTEM_POWERDOWN, /* presses the power button: the guest decides */
    QMP_COMMAND_SYSTEM_RESET,
    QMP_COMMAND_SYSTEM_WAKEUP, /* an error unless the guest is suspended to memory */
};

/* QEMU's RunState (qapi/run-state.json). */
enum qmp_run_state {
    QMP_RUN_STATE_OTHER, /* a state of a newer QEMU */
    QMP_RUN_STATE_COLO,
    QMP_RUN_STATE_DEBUG,
    QMP_RUN_STATE_FINISH_MIGRATE,
    QMP_RUN_STATE_GUEST_PANICKED,
    QMP_RUN_STATE_INMIGRATE,
    QMP_RUN_STATE_INTERNAL_ERROR,
    QMP_RUN_STATE_IO_ERROR,
    QMP_RUN_STATE_PAUSED,
    QMP_RUN_STATE_POSTMIGRATE,
    QMP_RUN_STATE_PRELAUNCH, /* started with -S and not yet continued, or reset while paused */
    QMP_RUN_STATE_RESTORE_VM,
    QMP_RUN_STATE_RUNNING,
    QMP_RUN_STATE_SAVE_VM,
    QMP_RUN_STATE_SHUTDOWN, /* guest is off, QEMU stays (-no-shutdown) */
    QMP_RUN_STATE_SUSPENDED,
    QMP_RUN_STATE_WATCHDOG,
};

struct qmp_status {
    enum qmp_run_state state;
    bool running; /* virtual CPUs execute */
};

struct qmp_version {
    uint16_t major;
    uint16_t minor;
    uint16_t micro;
    char package[64]; /* the distributor's words, cut to fit; "" if there are none */
};

typedef void qmp_done_fn(void *context, const struct qmp_error *error);
/* `status` is NULL on error. */
typedef void qmp_status_fn(void *context, const struct qmp_status *status,
                           const struct qmp_error *error);
/* `version` is NULL on error. */
typedef void qmp_version_fn(void *context, const struct qmp_version *version,
                            const struct qmp_error *error);
/* `value` is 0 on error. */
typedef void qmp_integer_fn(void *context, int64_t value, const struct qmp_error *error);

int qmp_run(struct qmp_client *client, enum qmp_command command, qmp_done_fn *done, void *context);

int qmp_query_status(struct qmp_client *client, qmp_status_fn *done, void *context);
int qmp_query_version(struct qmp_client *client, qmp_version_fn *done, void *context);

/* An integer property of an object of the machine, such as bootindex of /machine/peripheral/ALIAS
 * (-1: none). No such object is an error reply of class DeviceNotFound; no such property, or an
 * index that another device has, GenericError. */
int qmp_qom_get_integer(struct qmp_client *client, const char *path, const char *property,
                        qmp_integer_fn *done, void *context);
int qmp_qom_set_integer(struct qmp_client *client, const char *path, const char *property,
                        int64_t value, qmp_done_fn *done, void *context);

/* What QEMU does when the guest is reset, by anybody: reset it, or end ("-no-reboot"). QEMU 6.0 and
 * later; older ones know no such command (class CommandNotFound). */
int qmp_set_reboot_action(struct qmp_client *client, bool reset, qmp_done_fn *done, void *context);

/* Break on the serial line that the character device `chardev` backs. */
int qmp_chardev_send_break(struct qmp_client *client, const char *chardev, qmp_done_fn *done,
                           void *context);

/* The name as QEMU spells it ("system_reset"), static. */
const char *qmp_command_name(enum qmp_command command);
/* "guest-panicked" and so on to a state; QMP_RUN_STATE_OTHER for an unknown one. */
enum qmp_run_state qmp_run_state_parse(const char *name);
/* The name, static; "other" for QMP_RUN_STATE_OTHER. */
const char *qmp_run_state_name(enum qmp_run_state state);

#endif
