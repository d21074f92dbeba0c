/* Log lines about log-ins that failed, as
 *
 *   IPMI: refused ADDRESS:PORT: REASON: NAME
 *   IPMI: no room for ADDRESS:PORT: REASON: NAME       (the password was right)
 *
 * like those of the SSH server, for tools that ban addresses. The name is the client's and comes
 * last, without anything that is not printable, so that it can neither hide the address nor look
 * like another one where that is searched for.
 *
 * There is one for all BMCs, with a rate for each source, so that who guesses does not fill the
 * log, nor hide another's line by it. What was left out of a source is told with its next line, or
 * when it has been quiet for a minute by the line of its last try. */
#ifndef VBMC_NET_LOGIN_LOG_H
#define VBMC_NET_LOGIN_LOG_H

#include <stddef.h>
#include <stdint.h>

/* Of one source, of the first lines of sources, and of all other lines together: so many at once,
 * then one in so much time. */
#define LOGIN_LOG_SOURCE_BURST   5
#define LOGIN_LOG_SOURCE_EACH_MS 10000
#define LOGIN_LOG_FIRST_BURST    100
#define LOGIN_LOG_BURST          30
#define LOGIN_LOG_EACH_MS        1000
#define LOGIN_LOG_SOURCES        1024 /* that are told apart */
#define LOGIN_LOG_QUIET_MS       60000

#define LOGIN_LOG_NAME_SIZE 17

struct login_log;
union endpoint_address;

/* NULL if there is no memory or no random. */
struct login_log *login_log_new(void);
/* Tells what was left out. NULL is allowed. */
void login_log_free(struct login_log *log);

/* A name of at most RAKP_NAME_MAX bytes for the log. */
void login_log_name(const uint8_t *name, size_t length, char text[LOGIN_LOG_NAME_SIZE]);

/* `what` and `reason` as above; now_ms is not 0. Nothing is written if the log is NULL. */
void login_log_write(struct login_log *log, const char *what, const union endpoint_address *remote,
                     const uint8_t *name, size_t name_length, const char *reason, uint64_t now_ms);
/* Tells what was left out of the sources that are quiet. To be called now and then. NULL is
 * allowed.
 */
void login_log_tell_rest(struct login_log *log, uint64_t now_ms);

#endif
