#include "vbmc/config/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "vbmc/config/parse.h"

int config_fail(struct config_parse *parse, unsigned line, const char *format, ...)
{
    va_list arguments;
    char where[16] = "";

    if (line > 0)
        snprintf(where, sizeof where, ":%u", line);
    int used = snprintf(parse->error, parse->error_size, "%s%s: ", parse->path, where);
    if (used > 0 && (size_t)used < parse->error_size) {
        va_start(arguments, format);
        vsnprintf(parse->error + used, parse->error_size - (size_t)used, format, arguments);
        va_end(arguments);
    }
    return -EINVAL;
}
