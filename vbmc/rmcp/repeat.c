#include "vbmc/rmcp/repeat.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/rmcp/crypto.h"

struct repeat_cache {
    size_t next; /* where the search for an entry to reuse starts: the oldest */
    struct repeat_entry entries[REPEAT_ENTRIES];
};

struct repeat_cache *repeat_cache_new(void)
{
    return calloc(1, sizeof(struct repeat_cache));
}

void repeat_cache_free(struct repeat_cache *cache)
{
    if (!cache)
        return;
    crypto_wipe(cache, sizeof *cache);
    free(cache);
}

const struct repeat_entry *repeat_find(const struct repeat_cache *cache, const uint8_t *message,
                                       size_t length, uint64_t now_ms)
{
    for (size_t i = 0; i < REPEAT_ENTRIES; i++) {
        const struct repeat_entry *entry = &cache->entries[i];
        if (entry->serial == 0 || entry->superseded || entry->request_length != length ||
            memcmp(entry->request, message, length) != 0)
            continue;
        if (entry->pending || now_ms - entry->answered_ms < REPEAT_LIFETIME_MS)
            return entry;
    }
    return NULL;
}

/* IPMI message: addresses and NetFn, checksum, rqSA, rqSeq and LUN. */
#define OFFSET_RQ_SEQ 4

static bool has_same_rq_seq(const struct repeat_entry *entry, const uint8_t *message, size_t length)
{
    return length > OFFSET_RQ_SEQ && entry->request_length > OFFSET_RQ_SEQ &&
           entry->request[OFFSET_RQ_SEQ] >> 2 == message[OFFSET_RQ_SEQ] >> 2;
}

void repeat_supersede(struct repeat_cache *cache, const uint8_t *message, size_t length)
{
    for (size_t i = 0; i < REPEAT_ENTRIES; i++) {
        struct repeat_entry *entry = &cache->entries[i];
        if (entry->serial == 0 || !has_same_rq_seq(entry, message, length) ||
            (entry->request_length == length && memcmp(entry->request, message, length) == 0))
            continue;
        if (entry->pending)
            entry->superseded = true;
        else
            entry->serial = 0;
    }
}

struct repeat_entry *repeat_begin(struct repeat_cache *cache, uint32_t serial,
                                  const uint8_t *message, size_t length)
{
    for (size_t tried = 0; tried < REPEAT_ENTRIES; tried++) {
        struct repeat_entry *entry = &cache->entries[cache->next];
        cache->next = (cache->next + 1) % REPEAT_ENTRIES;
        if (entry->serial != 0 && entry->pending)
            continue;
        entry->serial = serial;
        entry->pending = true;
        entry->superseded = false;
        entry->request_length = length;
        entry->response_length = 0;
        memcpy(entry->request, message, length);
        return entry;
    }
    return NULL;
}

struct repeat_entry *repeat_find_pending(struct repeat_cache *cache, uint32_t serial)
{
    for (size_t i = 0; i < REPEAT_ENTRIES; i++) {
        struct repeat_entry *entry = &cache->entries[i];
        if (serial != 0 && entry->serial == serial && entry->pending)
            return entry;
    }
    return NULL;
}

bool repeat_has_pending(const struct repeat_cache *cache)
{
    for (size_t i = 0; i < REPEAT_ENTRIES; i++) {
        if (cache->entries[i].serial != 0 && cache->entries[i].pending)
            return true;
    }
    return false;
}

void repeat_finish(struct repeat_entry *entry, const struct ipmi_msg *request,
                   const struct ipmi_response *response, uint64_t now_ms)
{
    int length =
        ipmi_msg_build_response(request, response, entry->response, sizeof entry->response);

    entry->response_length = length > 0 ? (size_t)length : 0;
    entry->pending = false;
    entry->answered_ms = now_ms;
}

void repeat_sent(struct repeat_entry *entry, bool may_run_twice)
{
    if (entry->pending || !(may_run_twice || entry->superseded))
        return;
    entry->serial = 0;
    crypto_wipe(entry->request, entry->request_length); /* may be one that sets a password */
    crypto_wipe(entry->response, entry->response_length);
}
