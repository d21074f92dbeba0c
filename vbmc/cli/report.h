/* What the `vbmc` command says of a failure: one line on standard error, and in the log file that
 * --log-file names. */
#ifndef VBMC_CLI_REPORT_H
#define VBMC_CLI_REPORT_H

struct cli;

/* Says in one line what failed. Returns CLI_EXIT_FAILED. */
int cli_fail(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for wrong usage, with where to read more. Returns CLI_EXIT_USAGE. */
int cli_fail_usage(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for a word that is none of those there are, and the one that may have been meant (NULL:
 * none). */
int cli_fail_word(const struct cli *cli, const char *what, const char *word, const char *near);

#endif
