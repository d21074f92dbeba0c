/* Memory for passwords that stay: never in swap space, left out of core dumps, between pages that
 * nobody may touch, and wiped when it is given back. It is OpenSSL's secure heap, one range that is
 * locked once (mlock, page by page as it is used). Not mlockall: that would hold the consoles'
 * memory of ten thousand BMCs too, and once RLIMIT_MEMLOCK is reached nothing could be allocated at
 * all.
 *
 * Where the range is used up or there is none, ordinary memory takes its place, which the log tells
 * once; it is wiped as well. Safe from any thread. */
#ifndef VBMC_BASE_LOCKED_H
#define VBMC_BASE_LOCKED_H

#include <stddef.h>

/* Makes the range, as large as RLIMIT_MEMLOCK lets it be, at most 32 MiB: 2 KiB for each BMC. Once,
 * before other threads; without it all is ordinary memory. 0; -EPERM if there is a range that
 * cannot be locked, or -ENOMEM. */
int locked_begin(void);

/* Zeroed, or NULL. */
void *locked_calloc(size_t count, size_t size);
/* Wipes and frees what locked_calloc has given for `size` bytes in all. NULL is allowed. */
void locked_free(void *memory, size_t size);

#endif
