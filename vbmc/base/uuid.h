/* A domain's UUID: 16 bytes in RFC 4122 order, as libvirt hands them out. */
#ifndef VBMC_BASE_UUID_H
#define VBMC_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_TEXT_SIZE 37 /* 36 characters and the terminator */

struct uuid {
    uint8_t bytes[16];
};

bool uuid_equal(const struct uuid *a, const struct uuid *b);
/* Lower case with dashes. */
void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_SIZE]);
/* Takes exactly the form uuid_format writes, in either case. 0, or -EINVAL. */
int uuid_parse(const char *text, struct uuid *uuid);

#endif
