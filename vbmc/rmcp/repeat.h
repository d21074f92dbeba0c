/* The last requests of one session and their answers, so that a request which a client sends again
 * (same rqSeq, same bytes; IPMI 2.0, section 6.12.1) is answered from memory and not run twice. */
#ifndef VBMC_RMCP_REPEAT_H
#define VBMC_RMCP_REPEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/ipmi/msg.h"

/* Few enough that a client which polls fast has pushed a request out before its rqSeq (6 bits)
 * comes round again, and short enough for a slow one. */
#define REPEAT_ENTRIES     8
#define REPEAT_LIFETIME_MS 5000

#define REPEAT_REQUEST_MAX  (IPMI_MSG_DATA_MAX + IPMI_MSG_OVERHEAD)
#define REPEAT_RESPONSE_MAX (IPMI_RESPONSE_MAX + IPMI_MSG_OVERHEAD + 1)

struct repeat_entry {
    uint32_t serial; /* token.request; 0: the entry is empty */
    bool pending;    /* still being worked on */
    bool superseded; /* its rqSeq has carried another request since: it answers no repeat */
    uint64_t answered_ms;
    size_t request_length;
    size_t response_length;
    uint8_t request[REPEAT_REQUEST_MAX];
    uint8_t response[REPEAT_RESPONSE_MAX];
};

struct repeat_cache;

/* NULL if there is no memory. Freeing wipes. */
struct repeat_cache *repeat_cache_new(void);
void repeat_cache_free(struct repeat_cache *cache);

/* The entry of an equal message that is pending or was answered within the lifetime; or NULL. */
const struct repeat_entry *repeat_find(const struct repeat_cache *cache, const uint8_t *message,
                                       size_t length, uint64_t now_ms);

/* The session uses the rqSeq of this message: what that number carried before, other than the same
 * bytes, is answered no more. A client may use one number for all its requests: what it asks for
 * again is then a new request, not a repeat. */
void repeat_supersede(struct repeat_cache *cache, const uint8_t *message, size_t length);

/* Remembers a message that is about to run, in place of the oldest that is not pending. `serial` is
 * not 0, length at most REPEAT_REQUEST_MAX. NULL if all entries are pending. */
struct repeat_entry *repeat_begin(struct repeat_cache *cache, uint32_t serial,
                                  const uint8_t *message, size_t length);

/* The pending entry of that serial, or NULL. */
struct repeat_entry *repeat_find_pending(struct repeat_cache *cache, uint32_t serial);

/* Whether a request is still being worked on. */
bool repeat_has_pending(const struct repeat_cache *cache);

/* Builds the response message of an entry, whose message is `request`, and keeps it there; the
 * entry is pending no more. */
void repeat_finish(struct repeat_entry *entry, const struct ipmi_msg *request,
                   const struct ipmi_response *response, uint64_t now_ms);
/* The answer of a finished entry has been sent. Forgets and wipes an entry that is superseded, or
 * if `may_run_twice`: a request that only reads, which would else be told what was true seconds
 * ago, or one with a secret, which is not kept, and which set again is the same. */
void repeat_sent(struct repeat_entry *entry, bool may_run_twice);

#endif
