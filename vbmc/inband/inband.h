/* The guest's own side of one BMC: its system interface behind a socket, as long as the domain has
 * the device. Loop thread. */
#ifndef VBMC_INBAND_INBAND_H
#define VBMC_INBAND_INBAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

struct bmc;
struct inband;
struct inband_interface;
struct ipmi_session_ops;
struct ipmi_sink;
struct messaging;

struct inband_settings {
    uv_loop_t *loop;
    uint32_t bmc_number;
    struct bmc *bmc;
    const struct messaging *messaging;
    const struct ipmi_sink *sink;
    const struct ipmi_session_ops *sessions;
    void *sessions_context;
    bool (*is_starting)(void *context); /* as struct inband_config has it */
    void *context;
};

/* Listens nowhere yet. NULL: no memory. */
struct inband *inband_new(const struct inband_settings *settings);
/* NULL is allowed. */
void inband_free(struct inband *inband);

/* Listens at the path, for QEMU of that user (INBAND_NO_OWNER: nobody's yet); where it does so
 * already, only who may connect changes. 0, or a negative error with the reason in inband_error. */
int inband_listen(struct inband *inband, const char *path, uid_t owner);
void inband_stop_listening(struct inband *inband);
bool inband_is_listening(const struct inband *inband);
/* Why it does not listen, or QEMU cannot connect; "" if that is not so. */
const char *inband_error(const struct inband *inband);

struct inband_interface *inband_interface(struct inband *inband);

#endif
