#include "sol/disk.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <uv.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"

#define RETRY_MS 2000
#define NS_IN_MS UINT64_C(1000000)

TAILQ_HEAD(disk_files, disk_file);

struct disk_thread {
    uv_mutex_t mutex;   /* guards the rest, and what disk.c has in the files */
    uv_cond_t wake;     /* for the thread */
    uv_cond_t progress; /* for those who wait for it */
    uv_thread_t thread;
    bool running;
    bool closing;
    bool writing;
    uint64_t writing_since_ms;
    unsigned ended;                /* files not yet released */
    struct disk_files ended_files; /* those of them that may still be written */
    struct disk_files queue;
    struct disk_files failed; /* in the order of their next tries */
};

static struct disk_thread threads[DISK_COUNT];
static uv_once_t once = UV_ONCE_INIT;
static _Atomic(disk_writev_fn *) writev_function;

static const char *const names[] = {
    [DISK_STATE] = "console histories",
    [DISK_LOGS] = "console logs",
};

static void initialise(void)
{
    for (int i = 0; i < DISK_COUNT; i++) {
        uv_mutex_init(&threads[i].mutex);
        uv_cond_init(&threads[i].wake);
        uv_cond_init(&threads[i].progress);
        TAILQ_INIT(&threads[i].queue);
        TAILQ_INIT(&threads[i].failed);
        TAILQ_INIT(&threads[i].ended_files);
    }
}

static struct disk_thread *thread_of(enum disk disk)
{
    uv_once(&once, initialise);
    return &threads[disk];
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / NS_IN_MS;
}

/* ---- the thread, or with its mutex ---- */

static void enqueue(struct disk_thread *disk, struct disk_file *file)
{
    file->state = DISK_FILE_QUEUED;
    TAILQ_INSERT_TAIL(&disk->queue, file, link);
    uv_cond_signal(&disk->wake);
}

/* The next turn of the file that just had one. What has ended is brought to its end first, so that
 * ended files are released in the order in which they were ended. */
static void enqueue_again(struct disk_thread *disk, struct disk_file *file)
{
    file->state = DISK_FILE_QUEUED;
    if (file->ended)
        TAILQ_INSERT_HEAD(&disk->queue, file, link);
    else
        TAILQ_INSERT_TAIL(&disk->queue, file, link);
}

static void try_again(struct disk_thread *disk, struct disk_file *file)
{
    TAILQ_REMOVE(&disk->failed, file, link);
    enqueue(disk, file);
}

static void wait_for_work(struct disk_thread *disk)
{
    const struct disk_file *next = TAILQ_FIRST(&disk->failed);
    uint64_t now = now_ms();

    if (!next)
        uv_cond_wait(&disk->wake, &disk->mutex);
    else if (next->retry_ms > now)
        uv_cond_timedwait(&disk->wake, &disk->mutex, (next->retry_ms - now) * NS_IN_MS);
}

static void release(struct disk_thread *disk, struct disk_file *file)
{
    TAILQ_REMOVE(&disk->ended_files, file, ended_link);
    uv_mutex_unlock(&disk->mutex);
    file->ops->release(file);
    uv_mutex_lock(&disk->mutex);
    disk->ended--;
}

/* One turn of a file. */
static void give_turn(struct disk_thread *disk, struct disk_file *file)
{
    bool ended = file->ended;

    TAILQ_REMOVE(&disk->queue, file, link);
    file->state = DISK_FILE_WRITING;
    file->woken = false;
    disk->writing = true;
    disk->writing_since_ms = now_ms();
    uv_mutex_unlock(&disk->mutex);
    int result = file->ops->write(file);
    uv_mutex_lock(&disk->mutex);
    if (result == DISK_MORE || file->ended != ended || (file->woken && result == DISK_DONE)) {
        enqueue_again(disk, file);
    } else if (ended) {
        release(disk, file);
    } else if (result < 0) {
        file->state = DISK_FILE_FAILED;
        file->retry_ms = now_ms() + RETRY_MS;
        TAILQ_INSERT_TAIL(&disk->failed, file, link);
    } else {
        file->state = DISK_FILE_IDLE;
    }
    disk->writing = false;
    uv_cond_broadcast(&disk->progress);
}

static void disk_main(void *argument)
{
    struct disk_thread *disk = argument;
    struct disk_file *file;

    uv_mutex_lock(&disk->mutex);
    for (;;) {
        while ((file = TAILQ_FIRST(&disk->failed)) && file->retry_ms <= now_ms())
            try_again(disk, file);
        file = TAILQ_FIRST(&disk->queue);
        if (file)
            give_turn(disk, file);
        else if (disk->closing)
            break;
        else
            wait_for_work(disk);
    }
    disk->running = false;
    uv_cond_broadcast(&disk->progress);
    uv_mutex_unlock(&disk->mutex);
}

/* ---- the owners of files ---- */

int disk_file_begin(struct disk_file *file, enum disk disk, const char *path,
                    const struct disk_file_ops *ops)
{
    struct disk_thread *thread = thread_of(disk);
    int result = 0;

    *file = (struct disk_file){.ops = ops, .disk = disk, .path = path};
    uv_mutex_lock(&thread->mutex);
    if (!thread->running) {
        thread->closing = false;
        result = uv_thread_create(&thread->thread, disk_main, thread);
        thread->running = result == 0;
    }
    uv_mutex_unlock(&thread->mutex);
    return result;
}

void disk_file_wake(struct disk_file *file)
{
    struct disk_thread *disk = thread_of(file->disk);

    uv_mutex_lock(&disk->mutex);
    assert(!file->ended);
    file->woken = true;
    if (file->state == DISK_FILE_IDLE)
        enqueue(disk, file);
    uv_mutex_unlock(&disk->mutex);
}

void disk_file_end(struct disk_file *file)
{
    struct disk_thread *disk = thread_of(file->disk);

    uv_mutex_lock(&disk->mutex);
    assert(!file->ended);
    file->ended = true;
    disk->ended++;
    TAILQ_INSERT_TAIL(&disk->ended_files, file, ended_link);
    if (file->state == DISK_FILE_IDLE)
        enqueue(disk, file);
    else if (file->state == DISK_FILE_FAILED)
        try_again(disk, file);
    uv_mutex_unlock(&disk->mutex);
}

/* ---- waiting ---- */

/* `path` counts for has_settled only. */
typedef bool condition_fn(const struct disk_thread *disk, const char *path);

static bool has_settled(const struct disk_thread *disk, const char *path)
{
    const struct disk_file *file;

    if (!path)
        return disk->ended == 0;
    for (file = TAILQ_FIRST(&disk->ended_files); file; file = TAILQ_NEXT(file, ended_link)) {
        if (file->path && strcmp(file->path, path) == 0)
            return false;
    }
    return true;
}

static bool is_idle(const struct disk_thread *disk, const char *path)
{
    (void)path;
    return TAILQ_EMPTY(&disk->queue) && !disk->writing;
}

static bool has_ended(const struct disk_thread *disk, const char *path)
{
    (void)path;
    return !disk->running;
}

/* With the mutex. */
static bool wait_until(struct disk_thread *disk, condition_fn *condition, const char *path,
                       uint64_t deadline_ms)
{
    while (!condition(disk, path)) {
        uint64_t now = now_ms();
        if (now >= deadline_ms)
            return false;
        uv_cond_timedwait(&disk->progress, &disk->mutex, (deadline_ms - now) * NS_IN_MS);
    }
    return true;
}

bool disk_settle(enum disk disk, const char *path, unsigned limit_ms)
{
    struct disk_thread *thread = thread_of(disk);

    uv_mutex_lock(&thread->mutex);
    uint64_t since = thread->writing ? thread->writing_since_ms : now_ms();
    bool settled = wait_until(thread, has_settled, path, since + limit_ms);
    uv_mutex_unlock(&thread->mutex);
    return settled;
}

bool disk_flush(enum disk disk, unsigned limit_ms)
{
    struct disk_thread *thread = thread_of(disk);
    struct disk_file *file;

    uv_mutex_lock(&thread->mutex);
    while ((file = TAILQ_FIRST(&thread->failed)))
        try_again(thread, file);
    bool idle = wait_until(thread, is_idle, NULL, now_ms() + limit_ms);
    uv_mutex_unlock(&thread->mutex);
    return idle;
}

void disk_finish(unsigned limit_ms)
{
    uint64_t deadline = now_ms() + limit_ms;

    for (enum disk i = 0; i < DISK_COUNT; i++) {
        struct disk_thread *disk = thread_of(i);
        uint64_t now = now_ms();

        disk_flush(i, now < deadline ? (unsigned)(deadline - now) : 0);
        uv_mutex_lock(&disk->mutex);
        bool was_running = disk->running;
        disk->closing = true;
        uv_cond_signal(&disk->wake);
        bool ended = wait_until(disk, has_ended, NULL, deadline);
        uv_mutex_unlock(&disk->mutex);
        if (!ended)
            log_error("the %s could not be written in time: their last words are lost", names[i]);
        else if (was_running)
            uv_thread_join(&disk->thread);
    }
}

/* ---- files ---- */

int disk_make_folder(const char *path)
{
    CLEANUP_FREE char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;

    if (!folder)
        return -ENOMEM;
    if (!slash || slash == folder)
        return -ENOENT;
    *slash = '\0';
    return mkdir(folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

ssize_t disk_writev(int fd, const struct iovec *pieces, int count)
{
    disk_writev_fn *function = writev_function;

    return function ? function(fd, pieces, count) : writev(fd, pieces, count);
}

void disk_set_writev(disk_writev_fn *function)
{
    writev_function = function;
}
