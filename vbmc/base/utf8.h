/* UTF-8 from outside (RFC 3629), which may be wrong in any way. */
#ifndef VBMC_BASE_UTF8_H
#define VBMC_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_NO_CHARACTER UINT32_MAX

/* The character at the beginning of `length` bytes, at least one, into *character. Returns how many
 * bytes it took. UTF8_NO_CHARACTER is a byte that begins none, and the whole of what is longer than
 * it need be or no Unicode. */
size_t utf8_next(const char *text, size_t length, uint32_t *character);

/* True for what may be shown to people beside other text: neither a control character (C0, DEL,
 * C1), nor one that parts lines or reverses their order (Unicode, U+2028, U+2029, and
 * "Bidi_Control" of UAX #9), nor none at all. */
bool utf8_is_harmless(uint32_t character);

/* Puts '?' in place of each byte of what is not harmless; the length stays. */
void utf8_make_harmless(char *text);

#endif
