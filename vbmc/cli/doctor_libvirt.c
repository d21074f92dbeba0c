#include "vbmc/cli/doctor_libvirt.h"

/* libvirt is asked in a child process: a dead host or an ssh that wants a password must not hang
 * doctor, and a connection cannot be given up half way. The child loads the library itself: with it
 * come fifty others, and every run of `vbmc` would take four times as long to start. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/config/config.h"

/* The library's functions that are called here. */
struct libvirt {
    __typeof__(virConnectOpenAuth) *open;
    __typeof__(virConnectClose) *close;
    __typeof__(virConnectGetType) *get_type;
    __typeof__(virConnectGetLibVersion) *get_version;
    __typeof__(virGetLastErrorMessage) *last_error;
    __typeof__(virSetErrorFunc) *set_error_function;
};

static bool load_libvirt(struct libvirt *libvirt)
{
    void *library = dlopen("libvirt.so.0", RTLD_NOW);
    struct {
        void **function;
        const char *name;
    } wanted[] = {
        {(void **)&libvirt->open, "virConnectOpenAuth"},
        {(void **)&libvirt->close, "virConnectClose"},
        {(void **)&libvirt->get_type, "virConnectGetType"},
        {(void **)&libvirt->get_version, "virConnectGetLibVersion"},
        {(void **)&libvirt->last_error, "virGetLastErrorMessage"},
        {(void **)&libvirt->set_error_function, "virSetErrorFunc"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(wanted) && library; i++) {
        *wanted[i].function = dlsym(library, wanted[i].name);
        if (!*wanted[i].function)
            return false;
    }
    return library != NULL;
}

static void ignore_libvirt_error(void *context, virErrorPtr error)
{
    (void)context, (void)error;
}

static int give_credentials(virConnectCredentialPtr credentials, unsigned count, void *context)
{
    const struct config_hypervisor *hypervisor = context;

    for (unsigned i = 0; i < count; i++) {
        bool is_secret = credentials[i].type == VIR_CRED_PASSPHRASE;
        const char *text = is_secret ? hypervisor->sasl_password : hypervisor->sasl_username;
        credentials[i].result = strdup(text);
        if (!credentials[i].result)
            return -1;
        credentials[i].resultlen = (unsigned)strlen(text);
    }
    return 0;
}

static virConnectPtr open_hypervisor(const struct libvirt *libvirt,
                                     const struct config_hypervisor *hypervisor, unsigned flags)
{
    static int types[] = {VIR_CRED_AUTHNAME, VIR_CRED_PASSPHRASE};
    virConnectAuth auth = {.credtype = types,
                           .ncredtype = ARRAY_SIZE(types),
                           .cb = give_credentials,
                           .cbdata = (void *)hypervisor};

    return libvirt->open(hypervisor->uri, hypervisor->sasl_username ? &auth : NULL, flags);
}

static void ask(const struct config_hypervisor *hypervisor, struct doctor_libvirt *found)
{
    struct libvirt libvirt;

    if (!load_libvirt(&libvirt)) {
        snprintf(found->error, sizeof found->error, "the library libvirt.so.0 cannot be loaded: %s",
                 dlerror());
        return;
    }
    libvirt.set_error_function(NULL, ignore_libvirt_error);
    virConnectPtr connection = open_hypervisor(&libvirt, hypervisor, 0);
    found->opened = connection != NULL;
    if (!connection) {
        snprintf(found->error, sizeof found->error, "%s", libvirt.last_error());
        connection = open_hypervisor(&libvirt, hypervisor, VIR_CONNECT_RO);
        found->opened_readonly = connection != NULL;
    }
    if (connection) {
        const char *type = libvirt.get_type(connection);
        snprintf(found->type, sizeof found->type, "%s", type ? type : "unknown");
        libvirt.get_version(connection, &found->version);
        libvirt.close(connection);
    }
}

static void ask_in_child(const struct config_hypervisor *hypervisor, int fd)
{
    struct doctor_libvirt found = {0};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsid(); /* no terminal that ssh could ask on, and a group to end it by */
    for (int i = 0; i <= 2 && null >= 0; i++)
        dup2(null, i);
    ask(hypervisor, &found);
    ssize_t written = write(fd, &found, sizeof found);
    _exit(written == (ssize_t)sizeof found ? 0 : 1);
}

int doctor_ask_libvirt(const struct config_hypervisor *hypervisor, struct doctor_libvirt *found)
{
    int ends[2];

    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC))
        return -errno;
    CLEANUP_CLOSE int reader = ends[0];
    pid_t child = fork();
    if (child == 0)
        ask_in_child(hypervisor, ends[1]);
    close(ends[1]);
    if (child < 0)
        return -EAGAIN;
    struct pollfd wait_for = {.fd = reader, .events = POLLIN};
    int ready = poll(&wait_for, 1, DOCTOR_LIBVIRT_TIMEOUT_MS);
    ssize_t got = ready > 0 ? read(reader, found, sizeof *found) : 0;
    if (ready <= 0) {
        kill(-child, SIGKILL);
        kill(child, SIGKILL);
    }
    waitpid(child, NULL, 0);
    if (ready <= 0)
        return -ETIMEDOUT;
    return got == (ssize_t)sizeof *found ? 0 : -EIO;
}
