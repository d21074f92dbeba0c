/* Waits for the lock on the state folder (lock.h), as a standby does: tries every LOCK_WAIT_MS, on
 * a thread of libuv, so that a disk that hangs holds up nobody. Between two tries nothing of the
 * folder is open, so that its file system can be mounted and unmounted; a folder or database that
 * is not there yet is waited for too. What it waits for is logged when that changes. */
#ifndef VBMC_STORE_LOCK_WAIT_H
#define VBMC_STORE_LOCK_WAIT_H

#include <uv.h>

#define LOCK_WAIT_MS 250

struct lock_wait;

/* `taken` is called once, on the loop, with the lock, which is the callee's; lock_wait_stop is
 * still due. NULL: no memory. */
struct lock_wait *lock_wait_start(uv_loop_t *loop, const char *state_dir,
                                  void (*taken)(void *context, int lock), void *context);
/* What it waits for, in a line. */
const char *lock_wait_reason(const struct lock_wait *wait);
/* Ends it; the loop has to run on until it has forgotten it. A lock that is just being taken is
 * given up. NULL is allowed. */
void lock_wait_stop(struct lock_wait *wait);

#endif
