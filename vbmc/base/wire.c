#include "vbmc/base/wire.h"

#include <string.h>

const uint8_t *wire_bytes(struct wire_in *in, size_t n)
{
    if (in->failed || n > in->size - in->pos) {
        in->failed = true;
        return NULL;
    }
    const uint8_t *p = in->pos ? in->base + in->pos : in->base; /* NULL may have no bytes */
    in->pos += n;
    return p;
}

uint8_t wire_u8(struct wire_in *in)
{
    const uint8_t *p = wire_bytes(in, 1);

    return p ? p[0] : 0;
}

uint16_t wire_u16(struct wire_in *in)
{
    const uint8_t *p = wire_bytes(in, 2);

    return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}

uint32_t wire_u32(struct wire_in *in)
{
    const uint8_t *p = wire_bytes(in, 4);

    return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24
             : 0;
}

uint32_t wire_u32_be(struct wire_in *in)
{
    const uint8_t *p = wire_bytes(in, 4);

    return p ? (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24
             : 0;
}

void wire_copy(struct wire_in *in, void *to, size_t n)
{
    const uint8_t *p = wire_bytes(in, n);

    if (n == 0)
        return;
    if (p)
        memcpy(to, p, n);
    else
        memset(to, 0, n);
}

void wire_skip(struct wire_in *in, size_t n)
{
    (void)wire_bytes(in, n);
}

struct wire_in wire_slice(struct wire_in *in, size_t n)
{
    const uint8_t *p = wire_bytes(in, n);

    if (!p)
        return (struct wire_in){.failed = true};
    return wire_in_init(p, n);
}

uint8_t *wire_reserve(struct wire_out *out, size_t n)
{
    if (out->failed || n > out->size - out->pos) {
        out->failed = true;
        return NULL;
    }
    uint8_t *p = out->pos ? out->base + out->pos : out->base;
    out->pos += n;
    return p;
}

void wire_put_u8(struct wire_out *out, uint8_t value)
{
    uint8_t *p = wire_reserve(out, 1);

    if (p)
        p[0] = value;
}

void wire_put_u16(struct wire_out *out, uint16_t value)
{
    uint8_t *p = wire_reserve(out, 2);

    if (p) {
        p[0] = (uint8_t)value;
        p[1] = (uint8_t)(value >> 8);
    }
}

void wire_put_u32(struct wire_out *out, uint32_t value)
{
    uint8_t *p = wire_reserve(out, 4);

    if (p) {
        p[0] = (uint8_t)value;
        p[1] = (uint8_t)(value >> 8);
        p[2] = (uint8_t)(value >> 16);
        p[3] = (uint8_t)(value >> 24);
    }
}

void wire_put_u16_be(struct wire_out *out, uint16_t value)
{
    uint8_t *p = wire_reserve(out, 2);

    if (p) {
        p[0] = (uint8_t)(value >> 8);
        p[1] = (uint8_t)value;
    }
}

void wire_put_u32_be(struct wire_out *out, uint32_t value)
{
    uint8_t *p = wire_reserve(out, 4);

    if (p) {
        p[0] = (uint8_t)(value >> 24);
        p[1] = (uint8_t)(value >> 16);
        p[2] = (uint8_t)(value >> 8);
        p[3] = (uint8_t)value;
    }
}

void wire_put_bytes(struct wire_out *out, const void *from, size_t n)
{
    uint8_t *p = wire_reserve(out, n);

    if (p && n)
        memcpy(p, from, n);
}

void wire_put_zeros(struct wire_out *out, size_t n)
{
    uint8_t *p = wire_reserve(out, n);

    if (p && n)
        memset(p, 0, n);
}
