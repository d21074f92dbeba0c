/* A command line of the shell as words: blanks separate them, '...', "..." and \ quote. Nothing is
 * expanded. */
#ifndef VBMC_CLI_WORDS_H
#define VBMC_CLI_WORDS_H

#define CLI_WORDS_MAX 32

/* Splits `line` in place. `words` then points into it, with NULL behind the last. How many there
 * are, or -EINVAL for a quote without its end and -E2BIG for too many. */
int cli_words_split(char *line, char *words[CLI_WORDS_MAX + 1]);

#endif
