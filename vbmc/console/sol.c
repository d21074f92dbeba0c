/* What a client sets takes effect in memory at once, is answered when it is on disk, and is taken
 * back if it does not get there. Only then the active payload is told: it ends if SOL was disabled
 * or its user denied, else it gets the new timing. */
#include "vbmc/console/sol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sol/solparams.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/console/console.h"
#include "vbmc/console/sol_session.h"
#include "vbmc/rmcp/rmcpplus.h"
#include "vbmc/state/sol.h"

#define NO_SESSION 0

struct console_sol {
    struct bmc *bmc;
    struct rmcp_server *rmcp;
    struct console *console;
    struct sol_settings settings;
    struct saves_part *saved;   /* the settings on their way to the disk */
    uint32_t setting_session;   /* that set "set in progress" */
    struct sol_session *active; /* NULL: nobody has the console */
    uint8_t active_user;
    uint32_t displaced_session; /* lost the console and is closed then; NO_SESSION */
    uint64_t displaced_until_ms;
};

static uint64_t now(const struct console_sol *sol)
{
    return sol->bmc->core.hooks->now(&sol->bmc->core);
}

/* ---- changes ---- */

static bool user_may(void *context, uint8_t user_id);

static void apply(struct console_sol *sol)
{
    struct solproto_timing timing = solparams_timing(&sol->settings.params);

    if (!sol->active)
        return;
    if (!solparams_is_enabled(&sol->settings.params) || !user_may(sol, sol->active_user))
        console_sol_end(sol);
    else
        sol_session_set_timing(sol->active, &timing);
}

/* The latest changes are on disk or taken back, and who asked for them was answered. */
static void on_settled(void *context, int result)
{
    (void)result;
    apply(context);
}

/* ---- configuration ---- */

static struct bmc_sol_policy policy(void *context)
{
    const struct console_sol *sol = context;

    return (struct bmc_sol_policy){
        .enabled = solparams_is_enabled(&sol->settings.params),
        .force_authentication = solparams_force_authentication(&sol->settings.params),
        .force_encryption = solparams_force_encryption(&sol->settings.params),
        .privilege = (enum privilege)solparams_privilege(&sol->settings.params),
    };
}

static int result_of(enum solparams_code code)
{
    switch (code) {
    case SOLPARAMS_OK:
        return 0;
    case SOLPARAMS_UNSUPPORTED:
        return -ENOPROTOOPT;
    case SOLPARAMS_BEING_SET:
        return -EALREADY;
    case SOLPARAMS_READ_ONLY:
        return -EBADF;
    case SOLPARAMS_LENGTH_INVALID:
        return -EMSGSIZE;
    case SOLPARAMS_OUT_OF_RANGE:
        return -ERANGE;
    case SOLPARAMS_INVALID_FIELD:
        return -EDOM;
    }
    return -EDOM;
}

static int set_parameter(void *context, uint32_t session, uint8_t parameter, const uint8_t *data,
                         size_t size, const struct bmc_ticket *ticket)
{
    struct console_sol *sol = context;
    enum solparams_code code = solparams_set(&sol->settings.params, parameter, data, size);

    if (code != SOLPARAMS_OK)
        return result_of(code);
    if (parameter == SOLPARAMS_SET_IN_PROGRESS)
        sol->setting_session = sol->settings.params.set_in_progress ? session : NO_SESSION;
    if (parameter < SOLPARAMS_ENABLE || parameter > SOLPARAMS_BIT_RATE)
        return 0; /* volatile */
    saves_changed(sol->saved, ticket);
    return -EINPROGRESS;
}

static int get_parameter(void *context, uint8_t parameter, uint8_t set, uint8_t block,
                         uint8_t *data, size_t *size)
{
    const struct console_sol *sol = context;

    return result_of(solparams_get(&sol->settings.params, parameter, set, block, data, size));
}

/* ---- who may ---- */

static const char *user_name(const struct console_sol *sol, uint8_t user_id)
{
    return user_id <= USER_ID_MAX ? sol->bmc->users.by_id[user_id].name : "";
}

/* The row of a name in the list, NULL if it is not there. "" finds a free row. */
static char *find_denied(struct console_sol *sol, const char *name)
{
    for (size_t i = 0; i < USER_ID_MAX; i++) {
        if (strncmp(sol->settings.denied[i], name, USER_NAME_MAX) == 0)
            return sol->settings.denied[i];
    }
    return NULL;
}

static bool user_may(void *context, uint8_t user_id)
{
    struct console_sol *sol = context;
    const char *name = user_name(sol, user_id);

    return name[0] != '\0' && !find_denied(sol, name);
}

static bool is_user(const struct console_sol *sol, const char *name)
{
    for (uint8_t id = USER_ID_NULL; id <= USER_ID_MAX; id++) {
        if (strncmp(user_name(sol, id), name, USER_NAME_MAX) == 0)
            return true;
    }
    return false;
}

/* There are as many rows as users, so forgetting those who are gone makes room for any. */
static void deny(struct console_sol *sol, const char *name)
{
    if (find_denied(sol, name))
        return;
    for (size_t i = 0; i < USER_ID_MAX && !find_denied(sol, ""); i++) {
        if (!is_user(sol, sol->settings.denied[i]))
            memset(sol->settings.denied[i], 0, USER_NAME_MAX);
    }
    char *row = find_denied(sol, "");
    if (row)
        memcpy(row, name, strlen(name));
}

static int set_user_access(void *context, uint8_t user_id, bool may,
                           const struct bmc_ticket *ticket)
{
    struct console_sol *sol = context;
    const char *name = user_name(sol, user_id);

    if (name[0] == '\0')
        return -ENOENT;
    if (user_may(sol, user_id) == may && saves_is_stored(sol->saved))
        return 0;
    char *row = find_denied(sol, name);
    if (may && row)
        memset(row, 0, USER_NAME_MAX);
    else if (!may)
        deny(sol, name);
    saves_changed(sol->saved, ticket);
    return -EINPROGRESS;
}

/* ---- the instance ---- */

static struct bmc_sol_owner owner(void *context)
{
    const struct console_sol *sol = context;

    if (!sol->active)
        return (struct bmc_sol_owner){.session = NO_SESSION};
    return (struct bmc_sol_owner){sol_session_id(sol->active), sol->active_user};
}

static int activate(void *context, const struct bmc_sol_owner *new_owner, const char *address,
                    struct bmc_sol_activation *activation)
{
    struct console_sol *sol = context;
    char who[CONSOLE_WHO_SIZE];
    const struct sol_session_config config = {
        .bmc = sol->bmc,
        .rmcp = sol->rmcp,
        .session = new_owner->session,
        .console = sol->console,
        .who = who,
        .timing = solparams_timing(&sol->settings.params),
    };

    if (!sol->rmcp || !sol->console)
        return -ENODEV;
    if (console_problem(sol->console)) {
        log_info("%s: SOL is refused: %s", user_name(sol, new_owner->user_id),
                 console_problem(sol->console));
        console_look_again(sol->console);
        return -ENOTSUP;
    }
    snprintf(who, sizeof who, "%s by SOL from %s", user_name(sol, new_owner->user_id), address);
    int result = sol_session_new(&config, &sol->active);
    if (result < 0)
        return result;
    sol->active_user = new_owner->user_id;
    if (sol->displaced_session == new_owner->session) /* it has it again */
        sol->displaced_session = NO_SESSION;
    *activation = (struct bmc_sol_activation){
        .inbound_size = SOL_SESSION_PAYLOAD_SIZE,
        .outbound_size = SOL_SESSION_PAYLOAD_SIZE,
        .port = (uint16_t)(sol->settings.params.payload_port[0] |
                           sol->settings.params.payload_port[1] << 8),
    };
    return 0;
}

static void close_displaced(struct console_sol *sol)
{
    uint32_t session = sol->displaced_session;

    sol->displaced_session = NO_SESSION;
    if (session != NO_SESSION)
        rmcp_server_close_session(sol->rmcp, session);
}

static void deactivate(void *context, uint32_t session)
{
    struct console_sol *sol = context;
    uint32_t loser = owner(sol).session;

    if (session == loser) {
        sol_session_free(sol->active);
        sol->active = NULL;
        return;
    }
    console_sol_end(sol);
    if (sol->displaced_session != session) /* who lost it before and takes it back stays */
        close_displaced(sol);
    sol->displaced_session = loser;
    sol->displaced_until_ms = now(sol) + CONSOLE_SOL_GRACE_MS;
    sol->bmc->core.hooks->wake_at(&sol->bmc->core, sol->displaced_until_ms);
}

void console_sol_end(struct console_sol *sol)
{
    struct sol_session *active = sol->active;

    sol->active = NULL;
    sol_session_deactivate(active);
}

static const struct bmc_payload_ops payload_ops = {
    .policy = policy,
    .owner = owner,
    .activate = activate,
    .deactivate = deactivate,
    .user_may = user_may,
    .set_user_access = set_user_access,
    .set_parameter = set_parameter,
    .get_parameter = get_parameter,
};

/* ---- sessions ---- */

static bool is_owner(const struct console_sol *sol, uint32_t session)
{
    return sol->active && sol_session_id(sol->active) == session;
}

static bool on_payload(void *context, uint32_t session, uint8_t type, const uint8_t *bytes,
                       size_t length, uint64_t now_ms)
{
    struct console_sol *sol = context;

    if (type != PAYLOAD_SOL || !is_owner(sol, session))
        return false;
    sol_session_receive(sol->active, bytes, length, now_ms);
    return true;
}

static void on_heard(void *context, uint32_t session, uint64_t now_ms)
{
    struct console_sol *sol = context;

    if (is_owner(sol, session))
        sol_session_heard(sol->active, now_ms);
}

static void end_set(struct console_sol *sol)
{
    sol->setting_session = NO_SESSION;
    sol->settings.params.set_in_progress = 0;
}

/* Section 26.3, parameter 0. */
void console_sol_host_event(struct console_sol *sol, enum host_event event)
{
    if (event == HOST_EVENT_RESET || event == HOST_EVENT_STOPPED ||
        (event == HOST_EVENT_STATE && bmc_power_state(sol->bmc) == HOST_POWER_OFF))
        end_set(sol);
}

static void on_ended(void *context, uint32_t session)
{
    struct console_sol *sol = context;

    bmc_session_ended(sol->bmc, session);
    if (session == sol->displaced_session)
        sol->displaced_session = NO_SESSION;
    if (session == sol->setting_session)
        end_set(sol);
    if (is_owner(sol, session)) {
        sol_session_free(sol->active);
        sol->active = NULL;
    }
}

static bool in_use(void *context, uint32_t session)
{
    return is_owner(context, session);
}

const struct rmcp_session_events console_sol_events = {
    .payload = on_payload,
    .heard = on_heard,
    .ended = on_ended,
    .in_use = in_use,
};

/* ---- life ---- */

struct console_sol *console_sol_new(struct bmc *bmc, struct saves *saves)
{
    struct console_sol *sol = calloc(1, sizeof *sol);

    if (!sol)
        return NULL;
    sol->bmc = bmc;
    sol->settings.uuid = bmc->core.uuid;
    solparams_init(&sol->settings.params, CHANNEL_LAN, 0);
    sol->saved = saves_add(saves, &sol_save_kind, &sol->settings);
    if (!sol->saved) {
        free(sol);
        return NULL;
    }
    saves_on_settled(sol->saved, on_settled, sol);
    bmc->payload = &payload_ops;
    bmc->payload_context = sol;
    return sol;
}

void console_sol_free(struct console_sol *sol)
{
    if (!sol)
        return;
    sol_session_free(sol->active);
    sol->active = NULL;
    sol->bmc->payload = NULL;
    free(sol);
}

void console_sol_connect(struct console_sol *sol, struct rmcp_server *rmcp, struct console *console)
{
    sol->rmcp = rmcp;
    sol->console = console;
}

void console_sol_set_port(struct console_sol *sol, uint16_t port)
{
    sol->settings.params.payload_port[0] = (uint8_t)port;
    sol->settings.params.payload_port[1] = (uint8_t)(port >> 8);
}

void console_sol_restore(struct console_sol *sol, const struct store_sol *stored)
{
    char uuid[UUID_TEXT_SIZE];

    if (sol_rows_decode(&sol->settings, stored) == 0) {
        console_sol_restart(sol);
        saves_set_stored(sol->saved, sol_save_kind.copy(&sol->settings));
        return;
    }
    uuid_format(&sol->bmc->core.uuid, uuid);
    log_warning("%s: ignoring the stored SOL configuration, which is corrupt", uuid);
}

void console_sol_restart(struct console_sol *sol)
{
    end_set(sol);
    sol->settings.params.volatile_bit_rate = sol->settings.params.bit_rate; /* its default */
}

void console_sol_tick(struct console_sol *sol, uint64_t now_ms)
{
    if (sol->active && sol_session_is_over(sol->active)) {
        sol_session_free(sol->active);
        sol->active = NULL;
    }
    if (sol->active && console_problem(sol->console))
        console_sol_end(sol);
    if (sol->active && sol_session_next_deadline(sol->active) <= now_ms)
        sol_session_tick(sol->active, now_ms);
    if (sol->displaced_session != NO_SESSION && sol->displaced_until_ms <= now_ms)
        close_displaced(sol);
}

uint64_t console_sol_next_deadline(const struct console_sol *sol)
{
    uint64_t next = sol->active ? sol_session_next_deadline(sol->active) : UINT64_MAX;

    if (sol->displaced_session != NO_SESSION && sol->displaced_until_ms < next)
        next = sol->displaced_until_ms;
    return next;
}
