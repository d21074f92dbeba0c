/* Log lines about log-ins that failed, as
 * *   IPMI: refused ADDRESS:PORT: REASON: NAME
 *   IPMI: no room for ADDRESS:PORT: REASON: NAME       (the password was right)
 *
 * like those of the SSH server, for tools that ban addresses. The name is the client's and comes
 * last, without anything that is not printable, so that it can neither hide the address nor look
 * like another one where that is searched for. There is a rate for each source, so that who guesses
 * does not fill the log, nor hide another's line by it; a line says how many were left out. */
#ifndef VBMC_RMCP_LOGIN_LOG_H
#define VBMC_RMCP_LOGIN_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/base/rate.h"

/* Of one source, and of all together: so many at once, then one in so much time. */
#define LOGIN_LOG_SOURCE_BURST   5
#define LOGIN_LOG_SOURCE_EACH_MS 10000
#define LOGIN_LOG_BURST          30
#define LOGIN_LOG_EACH_MS        1000
#define LOGIN_LOG_SOURCES        16 /* that are told apart; the one heard of longest ago makes room */

#define LOGIN_LOG_NAME_SIZE 17

struct login_log {
    struct rate all;
    unsigned left_out; /* since the last line */
    struct {
        uint64_t source;
        uint64_t heard_ms; /* 0: free */
        struct rate rate;
    } sources[LOGIN_LOG_SOURCES];
};

/* A name of at most RAKP_NAME_MAX bytes for the log. */
void login_log_name(const uint8_t *name, size_t length, char text[LOGIN_LOG_NAME_SIZE]);

/* `what` and `reason` as above; now_ms is not 0. */
void login_log_write(struct login_log *log, const char *what, const union endpoint_address *remote,
                     const uint8_t *name, size_t name_length, const char *reason, uint64_t now_ms);

#endif
