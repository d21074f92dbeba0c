/* libFuzzer target: the file that keeps what a guest has said, as a restart finds it: damaged, cut,
 * or of somebody else.
 *
 * Files: sol/history.c vbmc/base/ring.c
 *
 * The input is a byte that gives the size of the ring, one of which bit 0 asks for right checksums,
 * and the file. What was restored is there again after one more restart. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sol/disk.h"
#include "sol/history.h"
#include "tests/fuzz/fuzz.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/base/ring.h"

#define HEADER_SIZE 24
#define CHECKSUM_AT 20 /* in the header */
#define FRAME_SIZE  8
#define SETTLE_MS   10000
#define FNV_BASIS   UINT32_C(2166136261)
#define FNV_PRIME   UINT32_C(16777619)

static char folder[] = "/tmp/vbmc-fuzz-history-XXXXXX";
static char path[64], new_path[72];

static void clean_up(void)
{
    unlink(path);
    unlink(new_path);
    rmdir(folder);
}

static void make_folder(void)
{
    if (*path)
        return;
    fuzz_require(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/guest", folder);
    snprintf(new_path, sizeof new_path, "%s.new", path);
    atexit(clean_up);
}

static uint32_t checksum(uint32_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * FNV_PRIME;
    return sum;
}

static void put_u32(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

/* As sol/history.h describes them. */
static void make_right(uint8_t *bytes, size_t size)
{
    if (size < HEADER_SIZE)
        return;
    memcpy(bytes, "vbmchist\1\0\0\0", 12);
    put_u32(bytes + CHECKSUM_AT, checksum(FNV_BASIS, bytes, CHECKSUM_AT));
    for (size_t at = HEADER_SIZE; at + FRAME_SIZE < size;) {
        uint32_t length = bytes[at];
        if (length > size - at - FRAME_SIZE)
            length = (uint32_t)(size - at - FRAME_SIZE);
        put_u32(bytes + at, length);
        uint32_t sum = checksum(FNV_BASIS, bytes + at, 4);
        put_u32(bytes + at + 4, checksum(sum, bytes + at + FRAME_SIZE, length));
        at += FRAME_SIZE + length;
    }
}

static void write_file(const uint8_t *bytes, size_t size)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    fuzz_require(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
}

/* Restores, copies what there is into `held` (as large as the ring), and lets go. */
static size_t restore(size_t capacity, uint8_t *held, uint64_t *start)
{
    struct ring *ring = ring_new(capacity);
    struct history *history;
    const uint8_t *bytes;
    size_t used = 0, piece;

    fuzz_require(ring != NULL && history_open(path, ring, &history) == 0);
    *start = ring_start(ring);
    while ((piece = ring_peek(ring, *start + used, &bytes)) > 0) {
        fuzz_require(piece <= capacity - used);
        memcpy(held + used, bytes, piece);
        used += piece;
    }
    fuzz_require(ring_find_lines(ring, 2) >= *start);
    history_free(history);
    fuzz_require(disk_settle(DISK_STATE, path, SETTLE_MS));
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t held[256], again[256];
    uint64_t start, start_again;

    if (size < 2)
        return 0;
    log_set_level(LOG_LEVEL_ERROR);
    make_folder();
    uint8_t *file = fuzz_copy(bytes + 2, size - 2);
    if (bytes[1] & 1)
        make_right(file, size - 2);
    write_file(file, size - 2);
    free(file);
    size_t capacity = bytes[0] ? bytes[0] : sizeof held;
    size_t used = restore(capacity, held, &start);
    fuzz_require(restore(capacity, again, &start_again) == used && start == start_again);
    fuzz_require(memcmp(held, again, used) == 0);
    return 0;
}
