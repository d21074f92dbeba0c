/* Memory for passwords and keys that stay: never in swap space, left out of core dumps, between
 * pages that nobody may touch, and wiped when it is given back. It is OpenSSL's secure heap, one
 * range that is locked once (mlock, page by page as it is used). Not mlockall: that would hold the
 * consoles' memory of ten thousand BMCs too, and once RLIMIT_MEMLOCK is reached nothing could be
 * allocated at all.
 *
 * What a function works with lies on the stack: of the thread that does it, which is the loop's,
 * that is locked as well. Not locked are what OpenSSL computes with (the AES key of the latest
 * packet, wiped a tenth of a second later) and what libraries copy (libvirt, libssh, json-c).
 *
 * Where the range is used up or there is none, ordinary memory takes its place, which the log tells
 * once; it is wiped as well. Safe from any thread. */
#ifndef VBMC_BASE_LOCKED_H
#define VBMC_BASE_LOCKED_H

#include <stddef.h>

/* Zeroed, or NULL. */
void *locked_calloc(size_t count, size_t size);
/* Wipes and frees what locked_calloc has given for `size` bytes in all. NULL is allowed. */
void locked_free(void *memory, size_t size);

/* A copy of a text, or NULL. */
char *locked_copy_text(const char *text);
/* Puts a text (NULL is allowed) that malloc has given into locked memory, and wipes it where it
 * was. Without memory it stays there. */
void locked_move_text(char **text);
/* Wipes and frees what either of them, or malloc, has given. NULL is allowed. */
void locked_free_text(char *text);

/* For locked_range.h: the range gives memory from now on, of which `zalloc` gives NULL when it is
 * used up, and `wipe_and_free` takes all memory back, that of malloc as well. */
typedef void *locked_zalloc(size_t size);
typedef void locked_wipe_and_free(void *memory, size_t size);
void locked_use_range(locked_zalloc *zalloc, locked_wipe_and_free *wipe_and_free);

#endif
