#include "vbmc/net/login_log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "vbmc/base/audit.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/base/log.h"
#include "vbmc/base/rate.h"

#define WAYS        8 /* sources that can be told apart in one row of the table */
#define REASON_SIZE 80

struct line {
    char what[16];
    char reason[REASON_SIZE];
    char name[LOGIN_LOG_NAME_SIZE];
    union endpoint_address remote;
};

struct source {
    uint64_t id; /* endpoint_source */
    bool is_v4;
    uint64_t heard_ms; /* 0: free */
    struct rate rate;
    unsigned left_out; /* since its last line */
    struct line last;  /* of those */
};

struct login_log {
    uint64_t key;
    struct rate firsts, all;
    unsigned left_out;  /* of all sources in the table */
    unsigned forgotten; /* left out of sources that made room for others */
    struct source rows[LOGIN_LOG_SOURCES / WAYS][WAYS];
};

struct login_log *login_log_new(void)
{
    struct login_log *log = calloc(1, sizeof *log);

    if (log && getrandom(&log->key, sizeof log->key, 0) != (ssize_t)sizeof log->key) {
        free(log);
        return NULL;
    }
    return log;
}

void login_log_name(const uint8_t *name, size_t length, char text[LOGIN_LOG_NAME_SIZE])
{
    size_t n = 0;

    for (; n < length && n < LOGIN_LOG_NAME_SIZE - 1; n++)
        text[n] = name[n] >= 0x20 && name[n] < 0x7f ? (char)name[n] : '?';
    text[n] = '\0';
}

static void write_line(const struct line *line, unsigned left_out)
{
    char address[ENDPOINT_TEXT_SIZE], more[RATE_MORE_SIZE];

    endpoint_address_format(&line->remote, address);
    const struct audit_login login = {
        .bmc = "",
        .way = "IPMI",
        .user = line->name,
        .how = "",
        .remote = &line->remote,
        .refused = line->reason,
        .more = left_out,
    };

    audit_put_login(&login);
    rate_tell_more(&left_out, more);
    log_info("IPMI: %s %s: %s%s: %s", line->what, address, line->reason, more, line->name);
}

/* The last try of a source stands for all that were left out. */
static void write_rest(struct login_log *log, struct source *source)
{
    write_line(&source->last, source->left_out - 1);
    log->left_out -= source->left_out;
    source->left_out = 0;
}

static void make_room(struct login_log *log, struct source *source, uint64_t now_ms)
{
    if (source->left_out > 0 && rate_take(&log->all, LOGIN_LOG_BURST, LOGIN_LOG_EACH_MS, now_ms))
        write_rest(log, source);
    log->left_out -= source->left_out;
    log->forgotten += source->left_out;
}

/* Of the sources in its row, the one heard of longest ago makes room for a new one. */
static struct source *source_of(struct login_log *log, const union endpoint_address *remote,
                                uint64_t now_ms)
{
    uint64_t id = endpoint_source(remote);
    bool is_v4 = endpoint_address_v4(remote) != NULL;
    struct source *row =
        log->rows[endpoint_source_hash(remote, log->key) % (LOGIN_LOG_SOURCES / WAYS)];
    struct source *oldest = row;

    for (size_t i = 0; i < WAYS; i++) {
        if (row[i].heard_ms != 0 && row[i].id == id && row[i].is_v4 == is_v4) {
            row[i].heard_ms = now_ms;
            return &row[i];
        }
        if (row[i].heard_ms < oldest->heard_ms)
            oldest = &row[i];
    }
    make_room(log, oldest, now_ms);
    *oldest = (struct source){.id = id, .is_v4 = is_v4, .heard_ms = now_ms};
    oldest->rate.since_ms = now_ms;
    return oldest;
}

/* Many sources that guess do not hide that there is a new one. */
static bool may_write(struct login_log *log, struct source *source, uint64_t now_ms)
{
    bool is_first = source->rate.used == 0 && source->left_out == 0;

    if (!rate_take(&source->rate, LOGIN_LOG_SOURCE_BURST, LOGIN_LOG_SOURCE_EACH_MS, now_ms))
        return false;
    return (is_first &&
            rate_take(&log->firsts, LOGIN_LOG_FIRST_BURST, LOGIN_LOG_EACH_MS, now_ms)) ||
           rate_take(&log->all, LOGIN_LOG_BURST, LOGIN_LOG_EACH_MS, now_ms);
}

void login_log_write(struct login_log *log, const char *what, const union endpoint_address *remote,
                     const uint8_t *name, size_t name_length, const char *reason, uint64_t now_ms)
{
    struct line line = {.remote = *remote};

    if (!log)
        return;
    struct source *source = source_of(log, remote, now_ms);
    snprintf(line.what, sizeof line.what, "%s", what);
    snprintf(line.reason, sizeof line.reason, "%s", reason);
    login_log_name(name, name_length, line.name);
    if (!may_write(log, source, now_ms)) {
        source->last = line;
        source->left_out++;
        log->left_out++;
        return;
    }
    write_line(&line, source->left_out);
    log->left_out -= source->left_out;
    source->left_out = 0;
}

static void tell_forgotten(struct login_log *log)
{
    if (log->forgotten > 0)
        log_info("IPMI: refused %u more log-ins, from too many addresses to list", log->forgotten);
    log->forgotten = 0;
}

void login_log_tell_rest(struct login_log *log, uint64_t now_ms)
{
    if (!log)
        return;
    for (size_t i = 0; i < LOGIN_LOG_SOURCES && log->left_out > 0; i++) {
        struct source *source = &log->rows[i / WAYS][i % WAYS];
        if (source->left_out == 0 || now_ms - source->heard_ms < LOGIN_LOG_QUIET_MS)
            continue;
        if (!rate_take(&log->all, LOGIN_LOG_BURST, LOGIN_LOG_EACH_MS, now_ms))
            return;
        write_rest(log, source);
    }
    if (log->forgotten > 0 && rate_take(&log->all, LOGIN_LOG_BURST, LOGIN_LOG_EACH_MS, now_ms))
        tell_forgotten(log);
}

void login_log_free(struct login_log *log)
{
    if (!log)
        return;
    for (size_t i = 0, lines = 0; i < LOGIN_LOG_SOURCES && lines < LOGIN_LOG_BURST; i++) {
        struct source *source = &log->rows[i / WAYS][i % WAYS];
        if (source->left_out == 0)
            continue;
        write_rest(log, source);
        lines++;
    }
    log->forgotten += log->left_out;
    tell_forgotten(log);
    free(log);
}
