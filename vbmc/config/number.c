#include "vbmc/config/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int config_read_number(const char *text, unsigned long min, unsigned long max, unsigned long *value,
                       char **end)
{
    char *stop;

    if (!isdigit((unsigned char)*text))
        return -EINVAL;
    errno = 0;
    *value = strtoul(text, &stop, 10);
    if (errno != 0 || *value < min || *value > max || (!end && *stop != '\0'))
        return -EINVAL;
    if (end)
        *end = stop;
    return 0;
}

int config_read_unsigned(const char *text, unsigned min, unsigned max, unsigned *value)
{
    unsigned long number;

    if (config_read_number(text, min, max, &number, NULL) < 0)
        return -EINVAL;
    *value = (unsigned)number;
    return 0;
}

int config_read_double(const char *text, double min, double max, double *value)
{
    char *end;

    if (text[strspn(text, "+-.0123456789")] || !*text)
        return -EINVAL;
    double number = strtod(text, &end);
    if (*end || !(number >= min && number <= max))
        return -EINVAL;
    *value = number;
    return 0;
}
