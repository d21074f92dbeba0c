#include "vbmc/rmcp/login_log.h"

#include <stdio.h>

#include "vbmc/base/log.h"

static struct rate *rate_of(struct login_log *log, uint64_t source, uint64_t now_ms)
{
    size_t oldest = 0;

    for (size_t i = 0; i < LOGIN_LOG_SOURCES; i++) {
        if (log->sources[i].heard_ms != 0 && log->sources[i].source == source) {
            log->sources[i].heard_ms = now_ms;
            return &log->sources[i].rate;
        }
        if (log->sources[i].heard_ms < log->sources[oldest].heard_ms)
            oldest = i;
    }
    log->sources[oldest].source = source;
    log->sources[oldest].heard_ms = now_ms;
    log->sources[oldest].rate = (struct rate){.since_ms = now_ms};
    return &log->sources[oldest].rate;
}

void login_log_name(const uint8_t *name, size_t length, char text[LOGIN_LOG_NAME_SIZE])
{
    size_t n = 0;

    for (; n < length && n < LOGIN_LOG_NAME_SIZE - 1; n++)
        text[n] = name[n] >= 0x20 && name[n] < 0x7f ? (char)name[n] : '?';
    text[n] = '\0';
}

void login_log_write(struct login_log *log, const char *what, const union endpoint_address *remote,
                     const uint8_t *name, size_t name_length, const char *reason, uint64_t now_ms)
{
    char text[LOGIN_LOG_NAME_SIZE], address[ENDPOINT_TEXT_SIZE], more[48] = "";

    if (!rate_take(rate_of(log, endpoint_source(remote), now_ms), LOGIN_LOG_SOURCE_BURST,
                   LOGIN_LOG_SOURCE_EACH_MS, now_ms) ||
        !rate_take(&log->all, LOGIN_LOG_BURST, LOGIN_LOG_EACH_MS, now_ms)) {
        log->left_out++;
        return;
    }
    if (log->left_out > 0)
        snprintf(more, sizeof more, " (%u more before)", log->left_out);
    log->left_out = 0;
    login_log_name(name, name_length, text);
    endpoint_address_format(remote, address);
    log_info("IPMI: %s %s: %s%s: %s", what, address, reason, more, text);
}
