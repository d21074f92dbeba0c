#include "vbmc/base/nearest.h"

#include <string.h>

#define LENGTH_MAX   32
#define DISTANCE_MAX 2
#define SHORT_LENGTH 3 /* up to here two letters would be another word */

/* Levenshtein's distance of two short words, one row at a time. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t length = strlen(b), row[LENGTH_MAX + 1];

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            if (replace < row[j])
                row[j] = replace;
        }
    }
    return row[length];
}

struct nearest nearest_begin(const char *word)
{
    size_t most = strlen(word) <= SHORT_LENGTH ? 1 : DISTANCE_MAX;

    return (struct nearest){.word = word, .distance = most + 1};
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    if (strlen(nearest->word) > LENGTH_MAX || strlen(candidate) > LENGTH_MAX)
        return;
    size_t distance = edit_distance(nearest->word, candidate);
    if (distance < nearest->distance && distance < strlen(nearest->word)) {
        nearest->distance = distance;
        nearest->found = candidate;
    }
}

const char *nearest_name(const char *word, const char *const *names, size_t count,
                         const struct nearest_synonym *synonyms)
{
    struct nearest nearest = nearest_begin(word);

    for (const struct nearest_synonym *synonym = synonyms; synonym && synonym->word; synonym++) {
        if (strcmp(synonym->word, word) == 0)
            return synonym->meant;
    }
    for (size_t i = 0; i < count; i++)
        nearest_offer(&nearest, names[i]);
    return nearest.found;
}
