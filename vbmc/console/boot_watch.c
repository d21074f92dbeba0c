#include "vbmc/console/boot_watch.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sol/hub.h"

/* What getty prints, whatever the host name before it. */
static const char prompt[] = "login: ";
#define PROMPT_LENGTH (sizeof prompt - 1)

struct boot_watch {
    void (*booted)(void *context);
    void *context;
    struct hub_reader *reader; /* NULL: not armed */
    char tail[PROMPT_LENGTH];  /* the last bytes seen, oldest first */
};

static void disarm(struct boot_watch *watch)
{
    hub_reader_free(watch->reader);
    watch->reader = NULL;
}

/* True if the prompt ends within these bytes, or within them and the tail of those before. */
static bool has_prompt(struct boot_watch *watch, const uint8_t *bytes, size_t size)
{
    char joint[2 * PROMPT_LENGTH];
    size_t head = size < PROMPT_LENGTH ? size : PROMPT_LENGTH;

    memcpy(joint, watch->tail, PROMPT_LENGTH);
    memcpy(joint + PROMPT_LENGTH, bytes, head);
    bool found = memmem(joint, PROMPT_LENGTH + head, prompt, PROMPT_LENGTH) ||
                 memmem(bytes, size, prompt, PROMPT_LENGTH);
    if (size < PROMPT_LENGTH)
        memcpy(watch->tail, joint + head, PROMPT_LENGTH);
    else
        memcpy(watch->tail, bytes + size - PROMPT_LENGTH, PROMPT_LENGTH);
    return found;
}

static void on_available(void *context)
{
    struct boot_watch *watch = context;
    const uint8_t *bytes;
    size_t size;

    for (;;) {
        hub_reader_peek(watch->reader, &bytes, &size);
        if (size == 0)
            return;
        bool found = has_prompt(watch, bytes, size);
        hub_reader_consume(watch->reader, size);
        if (!found)
            continue;
        disarm(watch);
        watch->booted(watch->context);
        return;
    }
}

static void on_closed(void *context)
{
    disarm(context);
}

static const struct hub_reader_events events = {
    .available = on_available,
    .closed = on_closed,
};

struct boot_watch *boot_watch_new(void (*booted)(void *context), void *context)
{
    struct boot_watch *watch = calloc(1, sizeof *watch);

    if (watch) {
        watch->booted = booted;
        watch->context = context;
    }
    return watch;
}

void boot_watch_free(struct boot_watch *watch)
{
    if (!watch)
        return;
    disarm(watch);
    free(watch);
}

void boot_watch_arm(struct boot_watch *watch, struct hub *hub)
{
    disarm(watch);
    memset(watch->tail, 0, sizeof watch->tail);
    if (hub_reader_new(hub, HUB_FROM_END, 0, &events, watch, &watch->reader) < 0)
        watch->reader = NULL; /* then the log lacks one line */
}
