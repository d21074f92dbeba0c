/* Checked cursors over wire bytes, with a sticky error: read or write every field, check once.
 *
 * A read past the end yields zeros and sets `failed`; a write past the end writes nothing and sets
 * `failed`. Integers are little endian unless the name ends in _be (IPMI is little endian, the ASF
 * enterprise number and IP addresses are not). Neither cursor owns the memory it points at. */
#ifndef VBMC_BASE_WIRE_H
#define VBMC_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_in {
    const uint8_t *base;
    size_t size;
    size_t pos;
    bool failed;
};

struct wire_out {
    uint8_t *base;
    size_t size;
    size_t pos;
    bool failed;
};

static inline struct wire_in wire_in_init(const void *base, size_t size)
{
    return (struct wire_in){.base = base, .size = size};
}

static inline struct wire_out wire_out_init(void *base, size_t size)
{
    return (struct wire_out){.base = base, .size = size};
}

/* Bytes not yet read; 0 after a failure. */
static inline size_t wire_left(const struct wire_in *in)
{
    return in->failed ? 0 : in->size - in->pos;
}

/* Pointer to the next n bytes, advancing over them; NULL (and failed) if fewer are left. */
const uint8_t *wire_bytes(struct wire_in *in, size_t n);
uint8_t wire_u8(struct wire_in *in);
uint16_t wire_u16(struct wire_in *in);
uint32_t wire_u32(struct wire_in *in);
uint32_t wire_u32_be(struct wire_in *in);
/* Copies n bytes to `to`, or zeros there on failure. */
void wire_copy(struct wire_in *in, void *to, size_t n);
void wire_skip(struct wire_in *in, size_t n);
/* A cursor over the next n bytes, advancing over them; an already failed one if fewer are left. */
struct wire_in wire_slice(struct wire_in *in, size_t n);

/* Room for n bytes, advancing over it; NULL (and failed) if it does not fit. */
uint8_t *wire_reserve(struct wire_out *out, size_t n);
void wire_put_u8(struct wire_out *out, uint8_t value);
void wire_put_u16(struct wire_out *out, uint16_t value);
void wire_put_u32(struct wire_out *out, uint32_t value);
void wire_put_u16_be(struct wire_out *out, uint16_t value);
void wire_put_u32_be(struct wire_out *out, uint32_t value);
void wire_put_bytes(struct wire_out *out, const void *from, size_t n);
void wire_put_zeros(struct wire_out *out, size_t n);

#endif
