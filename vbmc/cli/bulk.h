/* One request for each of the BMCs that a command line means (select.h), a bounded number of them
 * at a time, with progress on a terminal, a line for each that fails, and a summary. Where it means
 * one, these ask for that. */
#ifndef VBMC_CLI_BULK_H
#define VBMC_CLI_BULK_H

struct cli;
struct json_object;

/* Asks for something whose success says all; takes the arguments over, which lack "name" where
 * there are many. As cli_ask_and_obey; of many, what became of each is printed with --format.
 * CLI_EXIT_FAILED if one failed. */
int cli_bulk_obey(struct cli *cli, const char *verb, struct json_object *arguments);

/* The same for something that is a list for each: `*rows` has those of all, in the order of the
 * BMCs, and where there are many each begins with "domain_name". The caller puts them, also after a
 * failure, and prints them if they are not NULL: one that failed does not hide the others. */
int cli_bulk_gather(struct cli *cli, const char *verb, struct json_object *arguments,
                    struct json_object **rows);

#endif
