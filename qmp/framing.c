#include "qmp/framing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/json.h"

#define FIRST_CAPACITY ((size_t)4096)

struct qmp_framing {
    char *line; /* the beginning of a line whose end has not arrived */
    size_t used;
    size_t capacity;
    int error; /* sticky */
};

int qmp_framing_create(struct qmp_framing **framing)
{
    *framing = calloc(1, sizeof **framing);
    return *framing ? 0 : -ENOMEM;
}

void qmp_framing_free(struct qmp_framing *framing)
{
    if (!framing)
        return;
    free(framing->line);
    free(framing);
}

static int append(struct qmp_framing *framing, const char *bytes, size_t size)
{
    size_t needed = framing->used + size;
    size_t capacity = framing->capacity ? framing->capacity : FIRST_CAPACITY;
    char *line;

    if (size > QMP_LINE_MAX - framing->used)
        return -EMSGSIZE;
    if (needed > framing->capacity) {
        while (capacity < needed)
            capacity *= 2;
        line = realloc(framing->line, capacity);
        if (!line)
            return -ENOMEM;
        framing->line = line;
        framing->capacity = capacity;
    }
    memcpy(framing->line + framing->used, bytes, size);
    framing->used = needed;
    return 0;
}

static bool is_blank(const char *line, size_t size)
{
    return size == 0 || (size == 1 && line[0] == '\r');
}

/* Takes one whole line, of which `framing->line` may hold the beginning. */
static int take_line(struct qmp_framing *framing, const char *bytes, size_t size,
                     struct json_object **message)
{
    const char *line = bytes;
    int result;

    if (framing->used > 0) {
        result = append(framing, bytes, size);
        if (result < 0)
            return result;
        line = framing->line;
        size = framing->used;
        framing->used = 0;
    }
    if (size > QMP_LINE_MAX)
        return -EMSGSIZE;
    if (is_blank(line, size))
        return 0;
    return qmp_json_parse(line, size, message);
}

int qmp_framing_next(struct qmp_framing *framing, const char **bytes, size_t *size,
                     struct json_object **message)
{
    *message = NULL;
    while (framing->error == 0 && *size > 0 && !*message) {
        const char *start = *bytes;
        const char *end = memchr(start, '\n', *size);
        size_t length = end ? (size_t)(end - start) : *size;
        size_t taken = end ? length + 1 : length;

        *bytes += taken;
        *size -= taken;
        framing->error =
            end ? take_line(framing, start, length, message) : append(framing, start, length);
    }
    return framing->error;
}
