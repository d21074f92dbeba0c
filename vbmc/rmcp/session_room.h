/* Room for one more session when all are taken. Each kind of session has a share, so that nobody
 * keeps the others out:
 *
 *   one user name, from one source   2/5    but administrators
 *   one user name                    3/5    but administrators
 *   one source                       4/5
 *   all that are no administrator's  4/5
 *
 * Where a share, or all, is used up, one of that kind has to go: of the user and source that have
 * most sessions the one that has been idle longest, at least for SESSION_ROOM_IDLE_MS, and never
 * one on which something runs (SOL). Consoles that were killed leave such sessions behind.
 *
 * An administrator gets in even where none has been idle for so long, or there would be a way to
 * keep him out: then the same one goes, of other users' sessions before those of administrators. So
 * does, where he has as many sessions as his account may have at a time, the one of them that has
 * been idle longest. */
#ifndef VBMC_RMCP_SESSION_ROOM_H
#define VBMC_RMCP_SESSION_ROOM_H

#include <stddef.h>
#include <stdint.h>

struct session;

#define SESSION_ROOM_IDLE_MS 5000

enum session_room {
    SESSION_ROOM_FREE,  /* there is some */
    SESSION_ROOM_EVICT, /* once *victim is gone; then ask again */
    SESSION_ROOM_NONE,
};

/* `sessions` are those that have finished RAKP, `newcomer` is not one of them yet. */
enum session_room session_room_find(struct session *const *sessions, size_t count, unsigned limit,
                                    const struct session *newcomer, uint64_t now_ms,
                                    struct session **victim);
/* The one to give up of those that the newcomer's user has, whatever its time; NULL if there is
 * none. */
struct session *session_room_of_user(struct session *const *sessions, size_t count,
                                     const struct session *newcomer);

#endif
