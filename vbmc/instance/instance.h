/* One BMC with its layers wired together: socket, sessions, commands, model, guest, storage. */
#ifndef VBMC_INSTANCE_INSTANCE_H
#define VBMC_INSTANCE_INSTANCE_H

#include <stdint.h>
#include <uv.h>

struct instance;
struct store_bmc;
struct store_boot;
struct store_chassis;

/* What all BMCs of a process share; outlives them. */
struct instance_shared {
    uv_loop_t *loop;
    struct store *store;
    struct limiter *limiter;
    struct login_log *login_log;
    const struct ipmi_sink *sink;
    const struct ipmi_sink *inband_sink; /* of what the guest asks for */
    const char *state_dir;
    const char *runtime_dir; /* where sockets for guests are made; NULL: none are */
    const struct facility *facility;
    struct awake_list *awake; /* NULL: nobody lets time pass in its servers */
    /* A BMC has started again: logins at its address end. NULL: nobody wants to know. */
    void (*restarted)(void *context);
    void *restarted_context;
    /* Accounts of a BMC have changed; the session of SSH from that address (NULL: none) made it so.
     * NULL: nobody wants to know. */
    void (*users_changed)(void *context, const char *ssh);
    void *users_context;
};

/* A BMC without socket and guest, made from what is stored (`chassis` and `boot` may be NULL). The
 * record is copied. NULL if there is no memory or no random. */
struct instance *instance_new(const struct instance_shared *shared, uint32_t number,
                              const struct store_bmc *record, const struct store_chassis *chassis,
                              const struct store_boot *boot);
/* Closes everything; memory goes when the loop has turned. */
void instance_free(struct instance *instance);

struct bmc *instance_bmc(struct instance *instance);
struct console *instance_console(struct instance *instance);

#endif
