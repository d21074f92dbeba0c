/* A text that mostly is empty, and takes no room then: NULL is "". */
#ifndef VBMC_BASE_KEPT_TEXT_H
#define VBMC_BASE_KEPT_TEXT_H

#include <stdlib.h>
#include <string.h>

static inline const char *kept_text(const char *kept)
{
    return kept ? kept : "";
}

/* Replaces it by a copy of another, which may be part of it; "" without memory. */
static inline void kept_text_set(char **kept, const char *text)
{
    char *copy = text[0] ? strdup(text) : NULL;

    free(*kept);
    *kept = copy;
}

#endif
