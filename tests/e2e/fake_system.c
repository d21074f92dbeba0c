/* Preloaded into a daemon (LD_PRELOAD), sets its time of day and lets its writes fail, as the file
 * says that VBMC_FAKE_SYSTEM names, which a test writes to at any moment (fake_system.py): two
 * numbers of 8 bytes. The first is by how many milliseconds the time of day is ahead of the
 * machine's; the monotonic clock is the machine's. The second, if not zero, is the error of each
 * write to a place in a file, which is how SQLite writes: what a file system does that has made
 * itself read-only. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct machine {
    int64_t ahead_ms;
    int64_t write_error;
};

static const volatile struct machine *machine;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("VBMC_FAKE_SYSTEM");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = mmap(NULL, sizeof *machine, PROT_READ, MAP_SHARED, fd, 0);

    if (page == MAP_FAILED) {
        perror("VBMC_FAKE_SYSTEM");
        _exit(1);
    }
    close(fd);
    machine = page;
}

static void read_clock(clockid_t clock, struct timespec *now)
{
    int64_t ahead_ms = machine ? machine->ahead_ms : 0;

    syscall(SYS_clock_gettime, clock, now);
    int64_t ns = now->tv_nsec + ahead_ms % 1000 * 1000000;
    now->tv_sec += ahead_ms / 1000 + (ns >= 1000000000) - (ns < 0);
    now->tv_nsec = (ns + 1000000000) % 1000000000;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, now);
    read_clock(clock, now);
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;

    read_clock(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    read_clock(CLOCK_REALTIME, &now);
    *at = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    if (machine && machine->write_error != 0) {
        errno = (int)machine->write_error;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return pwrite64(fd, bytes, size, offset);
}
