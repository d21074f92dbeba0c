#include "vbmc/config/secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/base/locked.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/users.h"
#include "vbmc/config/parse.h"
#include "vbmc/config/value.h"

#define KG_TEXT_MAX 42 /* 0x and two digits for each of CHANNEL_KG_SIZE bytes */
#define SECRET_ROOM 3

int config_value_password(struct config_parse *parse, const char *value, void *target)
{
    size_t length = strlen(value);

    if (length == 0 || length > USER_LONG_PASSWORD_MAX) {
        snprintf(parse->reason, sizeof parse->reason, "a password is 1 to %d bytes, this has %zu",
                 USER_LONG_PASSWORD_MAX, length);
        return -EINVAL;
    }
    memcpy(target, value, length + 1);
    return 0;
}

static int hex_digit(char c)
{
    if (isdigit((unsigned char)c))
        return c - '0';
    return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

static int read_hex(const char *text, uint8_t bytes[CHANNEL_KG_SIZE])
{
    size_t digits = strlen(text);

    if (digits == 0 || digits % 2 != 0 || digits > 2 * CHANNEL_KG_SIZE)
        return -EINVAL;
    for (size_t i = 0; i < digits; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return -EINVAL;
        bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

int config_value_kg(struct config_parse *parse, const char *value, void *target)
{
    struct channel *channel = target;
    size_t length = strlen(value);
    uint8_t *kg = locked_calloc(1, CHANNEL_KG_SIZE);

    (void)parse;
    if (!kg)
        return -ENOMEM;
    locked_free((uint8_t *)channel->kg, CHANNEL_KG_SIZE);
    channel->kg = kg; /* config_free frees it */
    if (strncmp(value, "0x", 2) == 0) {
        if (read_hex(value + 2, kg) < 0)
            return -EINVAL;
    } else {
        if (length == 0 || length > CHANNEL_KG_SIZE)
            return -EINVAL;
        memcpy(kg, value, length);
    }
    channel->has_kg = true;
    return 0;
}

static int refuse_file(struct config_parse *parse, const char *path, const char *why)
{
    snprintf(parse->reason, sizeof parse->reason, "%s: %s", path, why);
    return -EINVAL;
}

/* Who else may read the secret is the administrator's affair; who may change it is not. */
static int check_secret_file(struct config_parse *parse, int fd, const char *path)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return refuse_file(parse, path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse_file(parse, path, "not a regular file");
    if (status.st_mode & S_IWOTH)
        return refuse_file(parse, path, "everybody may write this file; chmod 600 it");
    if (status.st_mode & (S_IRGRP | S_IROTH | S_IWGRP))
        log_warning("%s: others than its owner may use this secret (mode %03o); chmod 600 it", path,
                    (unsigned)status.st_mode & 0777);
    return 0;
}

/* Reads a file of at most `limit` bytes, without one newline at its end, into `text`, which has
 * room for SECRET_ROOM more: carriage return, newline, and a byte that tells that there is more. */
static int read_secret_file(struct config_parse *parse, const char *value, char *text, size_t limit)
{
    const size_t size = limit + SECRET_ROOM;
    CLEANUP_FREE char *path = NULL;
    CLEANUP_CLOSE int fd = -1;
    size_t used = 0;
    int result = config_value_path(parse, value, &path);

    if (result < 0)
        return result;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        int error = errno;
        refuse_file(parse, path, strerror(error));
        return error == EACCES ? -EACCES : -EINVAL;
    }
    if (check_secret_file(parse, fd, path) < 0)
        return -EINVAL;
    for (ssize_t got = 1; got != 0 && used < size; used += (size_t)got) {
        got = read(fd, text + used, size - used);
        if (got < 0)
            return refuse_file(parse, path, strerror(errno));
    }
    bool is_cut = used == size;
    if (used > 0 && text[used - 1] == '\n')
        used -= used > 1 && text[used - 2] == '\r' ? 2 : 1;
    if (is_cut || used > limit) {
        snprintf(parse->reason, sizeof parse->reason, "%s: longer than %zu bytes", path, limit);
        return -EINVAL;
    }
    if (memchr(text, '\0', used))
        return refuse_file(parse, path, "the file holds a NUL byte");
    if (used == 0)
        return refuse_file(parse, path, "the file is empty");
    text[used] = '\0';
    return 0;
}

int config_value_password_file(struct config_parse *parse, const char *value, void *target)
{
    char text[USER_LONG_PASSWORD_MAX + SECRET_ROOM];
    int result = read_secret_file(parse, value, text, USER_LONG_PASSWORD_MAX);

    if (result == 0)
        result = config_value_password(parse, text, target);
    explicit_bzero(text, sizeof text);
    return result;
}

int config_value_kg_file(struct config_parse *parse, const char *value, void *target)
{
    char text[KG_TEXT_MAX + SECRET_ROOM];
    int result = read_secret_file(parse, value, text, KG_TEXT_MAX);

    if (result == 0) {
        result = config_value_kg(parse, text, target);
        if (result < 0)
            snprintf(parse->reason, sizeof parse->reason,
                     "the file is to hold 1 to 20 bytes of text, or 0x and 2 to 40 hex digits");
    }
    explicit_bzero(text, sizeof text);
    return result;
}
