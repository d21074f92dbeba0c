#include "vbmc/cli/doctor_machine.h"

/* What this machine does to guests: does KVM run one, and does anybody reap what has ended? */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/cli/doctor_report.h"

#define TRY_MS        1000
#define TURN_MS       10
#define GUEST_PAGE    4096
#define GUEST_ADDRESS 0x1000

/* ---- KVM ---- */

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L}, NULL);
}

/* The wait status of a child; -1 if it had to be killed. */
static int wait_for_child(pid_t child)
{
    int status;

    for (unsigned waited = 0; waited < TRY_MS; waited += TURN_MS) {
        if (waitpid(child, &status, WNOHANG) == child)
            return status;
        pause_ms(TURN_MS);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return -1;
}

/* A guest of one instruction, HLT, in real mode. */
static bool run_halt(int kvm, int machine)
{
#if defined(__x86_64__)
    uint8_t *page =
        mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL);
    struct kvm_regs registers = {.rip = GUEST_ADDRESS, .rflags = 2};
    struct kvm_sregs system;

    if (page == MAP_FAILED || size < (int)sizeof(struct kvm_run))
        return false;
    page[0] = 0xf4;
    struct kvm_userspace_memory_region memory = {.guest_phys_addr = GUEST_ADDRESS,
                                                 .memory_size = GUEST_PAGE,
                                                 .userspace_addr = (uintptr_t)page};
    int cpu = ioctl(machine, KVM_CREATE_VCPU, 0UL);
    if (cpu < 0 || ioctl(machine, KVM_SET_USER_MEMORY_REGION, &memory) < 0 ||
        ioctl(cpu, KVM_GET_SREGS, &system) < 0)
        return false;
    const struct kvm_run *run =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
    system.cs.base = system.cs.selector = 0;
    return run != MAP_FAILED && ioctl(cpu, KVM_SET_SREGS, &system) == 0 &&
           ioctl(cpu, KVM_SET_REGS, &registers) == 0 && ioctl(cpu, KVM_RUN, 0UL) == 0 &&
           run->exit_reason == KVM_EXIT_HLT;
#else
    (void)kvm;
    return ioctl(machine, KVM_CREATE_VCPU, 0UL) >= 0;
#endif
}

/* In a child, whose guest may not come to its end. */
static bool runs_halt(int kvm)
{
    pid_t child = fork();

    if (child < 0)
        return false;
    if (child == 0) {
        int own =
            ioctl(kvm, KVM_CREATE_VM, 0UL); /* a machine belongs to the process that made it */
        _exit(own >= 0 && run_halt(kvm, own) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    int status = wait_for_child(child);
    return status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

_Noreturn static void run_qemu(int input)
{
    static const char *const elsewhere = "/usr/libexec/qemu-kvm";
    char path[128];
    struct utsname machine;
    int null = open("/dev/null", O_WRONLY);

    uname(&machine);
    snprintf(path, sizeof path, "/usr/bin/qemu-system-%.60s", machine.machine);
    dup2(input, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execl(access(path, X_OK) == 0 ? path : elsewhere, "qemu", "-accel", "kvm", "-nodefaults",
          "-display", "none", "-S", "-m", "16", "-qmp", "stdio", (char *)NULL);
    _exit(EXIT_SUCCESS); /* no QEMU for this machine: that is said elsewhere */
}

/* QEMU sets more of a processor than a guest of one instruction needs, and gives up where it
 * cannot. One that is not done in time is slow, not broken. */
static bool qemu_starts(void)
{
    static const char words[] = "{\"execute\":\"qmp_capabilities\"}{\"execute\":\"quit\"}";
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return true;
    bool is_written = write(ends[1], words, sizeof words - 1) == (ssize_t)sizeof words - 1;
    pid_t child = is_written ? fork() : -1;
    if (child == 0)
        run_qemu(ends[0]);
    close(ends[0]);
    close(ends[1]);
    int status = child > 0 ? wait_for_child(child) : -1;
    return status < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}

enum doctor_kvm doctor_try_kvm(void)
{
    CLEANUP_CLOSE int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

    if (kvm < 0)
        return errno == EACCES ? DOCTOR_KVM_UNTRIED : DOCTOR_KVM_NO_MACHINE;
    CLEANUP_CLOSE int machine = ioctl(kvm, KVM_CREATE_VM, 0UL);
    if (machine < 0)
        return DOCTOR_KVM_NO_MACHINE;
    return runs_halt(kvm) && qemu_starts() ? DOCTOR_KVM_WORKS : DOCTOR_KVM_NO_GUEST;
}

/* ---- what has ended ---- */

/* The first line of a file, without its end; "" if it cannot be read. */
static void read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");

    if (!file || !fgets(line, (int)size, file))
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* True if /proc/N/stat is that of a zombie that was QEMU. */
static bool is_dead_qemu(const char *path, int *parent)
{
    char line[256], state;

    read_line(path, line, sizeof line);
    const char *name = strchr(line, '('), *behind = strrchr(line, ')');
    return name && behind && strncmp(name, "(qemu-", strlen("(qemu-")) == 0 &&
           sscanf(behind, ") %c %d", &state, parent) == 2 && state == 'Z';
}

static unsigned count_dead_qemus(const char *pattern, int *parent)
{
    glob_t found = {0};
    unsigned count = 0;

    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            count += is_dead_qemu(found.gl_pathv[i], parent);
    }
    globfree(&found);
    return count;
}

/* One that has just ended is reaped a moment later. */
void doctor_check_reaping(struct doctor *doctor)
{
    static const char pattern[] = "/proc/[0-9]*/stat";
    char path[32], name[32];
    int parent = 0;

    if (count_dead_qemus(pattern, &parent) == 0)
        return;
    pause_ms(TRY_MS);
    unsigned count = count_dead_qemus(pattern, &parent);
    if (count == 0)
        return;
    snprintf(path, sizeof path, "/proc/%d/comm", parent);
    read_line(path, name, sizeof name);
    doctor_say(doctor, DOCTOR_PROBLEM, "QEMU",
               "run vbmcd as process 1 of its container, or the container with an init that reaps "
               "(docker run --init)",
               "%u QEMU process%s ended and %s not reaped by %s (process %d): libvirt takes such a "
               "guest for running",
               count, count == 1 ? "" : "es", count == 1 ? "is" : "are", name, parent);
}
