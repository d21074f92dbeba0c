#include "vbmc/service/result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"

const char *service_privilege_name(enum privilege privilege)
{
    static const char *const names[] = {
        [PRIVILEGE_CALLBACK] = "callback", [PRIVILEGE_USER] = "user",
        [PRIVILEGE_OPERATOR] = "operator", [PRIVILEGE_ADMINISTRATOR] = "administrator",
        [PRIVILEGE_OEM] = "oem",           [PRIVILEGE_NO_ACCESS] = "none",
    };

    return (size_t)privilege < ARRAY_SIZE(names) && names[privilege] ? names[privilege] : "";
}

/* What the request itself is wrong in, whatever it was about. */
static const char *explain_refusal(int result)
{
    switch (result) {
    case -EACCES:
        return "this login is for one BMC only";
    case -EKEYREJECTED:
        return "this BMC has locked the account out after bad passwords";
    case -ENOSYS:
        return "this BMC does not have it";
    case -EDOM:
        return "there is no such value";
    case -ERANGE:
        return "out of range";
    case -EALREADY:
        return "another client is changing the parameters";
    case -EBADF:
        return "the parameter is read-only";
    default:
        return NULL;
    }
}

static const char *explain_guest(int result)
{
    switch (result) {
    case -EHOSTUNREACH:
    case -ENODEV:
        return "its hypervisor cannot be reached, or the domain is not there";
    case -EINVAL:
        return "not possible in the guest's present state (see 'vbmc power NAME status')";
    case -EBUSY:
        return "too many pending requests, or the guest is being migrated";
    case -ETIMEDOUT:
        return "the hypervisor has not finished it in time; it may be done still";
    case -ENOTCONN:
        return "the guest is off, or has no serial port";
    case -ENOTSUP:
        return "not supported for this guest";
    case -ENOMEM:
        return "out of memory";
    case -ENOSPC:
    case -EROFS:
        return NULL; /* of the store */
    default:
        return "the hypervisor refused; the daemon's log says why";
    }
}

const char *service_explain(enum service_operation operation, int result,
                            char text[SERVICE_TEXT_SIZE])
{
    const struct service_row *row = service_row(operation);
    const char *refusal = explain_refusal(result);

    if (!refusal && result != -EPERM && row->flags & SERVICE_OF_GUEST)
        refusal = explain_guest(result);
    if (refusal)
        return refusal;
    if (result == -EPERM)
        snprintf(text, SERVICE_TEXT_SIZE, "this needs the privilege level %s",
                 service_privilege_name(row->privilege));
    else
        snprintf(text, SERVICE_TEXT_SIZE, "the change could not be stored: %s", strerror(-result));
    return text;
}
