/* What a guest's BMC knows of its server: its verbs, and what others print of it. */
#ifndef VBMC_CLI_READINGS_H
#define VBMC_CLI_READINGS_H

#include <stdint.h>

struct cli;
struct json_object;

extern const struct cli_verb cli_verb_sensors, cli_verb_sel, cli_verb_fru;
/* The same as cli_verb_sensors; the shell has both names. */
extern const struct cli_verb cli_verb_sensor;

#define CLI_DURATION_SIZE 40

/* "4:05:09" or "12d 4:05"; "" for less than nothing. Returns `text`. */
const char *cli_duration(int64_t seconds, char text[CLI_DURATION_SIZE]);
/* Prints the daemon's answer to the verb top in the format asked for; an exit code. Borrows it. */
int cli_print_summaries(struct cli *cli, struct json_object *rows);

#endif
