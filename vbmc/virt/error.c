#include "vbmc/virt/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "vbmc/base/array.h"

/* The first line. Of one that is too long (libvirt may quote QEMU's whole command line) the
 * beginning and the end, which has the reason. */
static void copy_message(const char *message, char *text, size_t size)
{
    static const char gap[] = " ... ";
    size_t length = strcspn(message, "\n"), head = size / 4;

    if (length < size) {
        memcpy(text, message, length);
        text[length] = '\0';
        return;
    }
    size_t tail = size - head - sizeof gap;
    snprintf(text, size, "%.*s%s%.*s", (int)head, message, gap, (int)tail, message + length - tail);
}

int virt_last_error(char *text, size_t size)
{
    static const struct {
        int code;
        int result;
    } results[] = {
        {VIR_ERR_NO_DOMAIN, -ENODEV},
        {VIR_ERR_INVALID_DOMAIN, -ENODEV},
        {VIR_ERR_OPERATION_INVALID, -EINVAL},
        {VIR_ERR_NO_SUPPORT, -ENOTSUP},
        {VIR_ERR_OPERATION_UNSUPPORTED, -ENOTSUP},
        {VIR_ERR_RPC, -EHOSTUNREACH},
        {VIR_ERR_INVALID_CONN, -EHOSTUNREACH},
    };
    const virError *error = virGetLastError();

    copy_message(error && error->message ? error->message : "unknown libvirt error", text, size);
    /* An error of the transport has VIR_FROM_RPC as its domain, not that of a driver. */
    if (error && error->domain == VIR_FROM_RPC)
        return -EHOSTUNREACH;
    for (size_t i = 0; error && i < ARRAY_SIZE(results); i++) {
        if (error->code == results[i].code)
            return results[i].result;
    }
    return -EIO;
}

int virt_no_connection(char *text, size_t size)
{
    snprintf(text, size, "no connection to the hypervisor");
    return -EHOSTUNREACH;
}
