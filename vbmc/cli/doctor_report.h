/* What `vbmc doctor` finds, and what those who look know: the configuration and what the daemon
 * answered. */
#ifndef VBMC_CLI_DOCTOR_REPORT_H
#define VBMC_CLI_DOCTOR_REPORT_H

#include <stdbool.h>

enum doctor_level {
    DOCTOR_OK,
    DOCTOR_WARNING, /* works, or may work, but look at it */
    DOCTOR_PROBLEM, /* does not work; makes doctor exit 1 */
};

struct doctor {
    struct cli *cli;
    const struct config *config;
    struct json_object *findings;
    struct json_object *status; /* of the daemon, or NULL if none answers */
    struct json_object *bmcs;   /* its list, or NULL if none answers */
    bool found_problem;
};

/* Adds a finding. `advice` says what to do, NULL for nothing. */
void doctor_say(struct doctor *doctor, enum doctor_level level, const char *check,
                const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The daemon answers, and waits for another one's end (`vbmcd --standby`). */
bool doctor_is_standby(const struct doctor *doctor);

/* Where the daemon logs, for people; borrowed from its status. NULL if none answers. */
const char *doctor_log_place(const struct doctor *doctor);

#endif
