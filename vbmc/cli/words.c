#include "vbmc/cli/words.h"

#include <errno.h>
#include <string.h>

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes the word at `*from`, unquoted, to `to`, which is not behind it. */
static int take_word(char **from, char **to)
{
    char quote = '\0';

    for (; **from; ++*from) {
        char c = **from;
        if (quote && c == quote) {
            quote = '\0';
        } else if (!quote && (c == '\'' || c == '"')) {
            quote = c;
        } else if (!quote && is_blank(c)) {
            break;
        } else {
            if (c == '\\' && quote != '\'' && (*from)[1])
                c = *++*from;
            *(*to)++ = c;
        }
    }
    return quote ? -EINVAL : 0;
}

int cli_words_split(char *line, char *words[CLI_WORDS_MAX + 1])
{
    char *from = line, *to = line;
    int count = 0;

    for (;;) {
        while (is_blank(*from))
            from++;
        words[count] = NULL;
        if (!*from)
            return count;
        if (count == CLI_WORDS_MAX)
            return -E2BIG;
        words[count++] = to;
        if (take_word(&from, &to))
            return -EINVAL;
        if (*from)
            from++; /* before `to` ends the word there */
        *to++ = '\0';
    }
}
