/* The verb "audit". */
#ifndef VBMC_CLI_AUDIT_H
#define VBMC_CLI_AUDIT_H

#include <stdint.h>

extern const struct cli_verb cli_verb_audit;

/* Reads a time as --since takes it: "2h" ago (s, m, h or d), "2026-11-29", "2026-11-29 14:00" or
 * "2026-11-29 14:00:30" of the user's time of day. `now` and the result are seconds since 1970. 0,
 * or -EINVAL. */
int cli_audit_parse_since(const char *text, int64_t now, int64_t *since);

#endif
