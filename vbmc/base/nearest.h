/* The word that somebody may have meant who misspelt it, for "did you mean". */
#ifndef VBMC_BASE_NEAREST_H
#define VBMC_BASE_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *word;
    size_t distance;   /* of `found` */
    const char *found; /* NULL: none is near */
};

/* A word that people use for another, as "restart" for "reset". */
struct nearest_synonym {
    const char *word;
    const char *meant;
};

/* Begins with nothing found; `word` is borrowed. */
struct nearest nearest_begin(const char *word);
/* Takes `candidate` (borrowed) if it is nearer than what was found: two letters away at most, of
 * short words one. */
void nearest_offer(struct nearest *nearest, const char *candidate);
/* Which of `names` was meant: by the table of synonyms, else by spelling. The table ends with a
 * NULL word (NULL: no table). NULL: none is near. */
const char *nearest_name(const char *word, const char *const *names, size_t count,
                         const struct nearest_synonym *synonyms);

#endif
