#include "sol/ssh/keys.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/base/wire.h"

#define TYPE_RSA "ssh-rsa"

static const char *const accepted_types[] = {
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", TYPE_RSA,
};

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct ssh_keys {
    size_t count;
    struct ssh_key_hash hashes[];
};

/* ---- one key ---- */

/* Bytes written, or -EINVAL. libcrypto's decoder is lenient about blanks and counts the padding as
 * zeros, so both are looked at here. */
static int decode_base64(const char *base64, size_t size, uint8_t blob[SSH_KEY_BLOB_MAX])
{
    size_t padding = 0;
    int decoded;

    while (padding < 2 && padding < size && base64[size - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < size - padding; i++)
        if (base64[i] == '\0' || !strchr(base64_alphabet, base64[i]))
            return -EINVAL;
    if (size == 0 || size % 4 != 0 || size / 4 * 3 > SSH_KEY_BLOB_MAX)
        return -EINVAL;
    decoded = EVP_DecodeBlock(blob, (const unsigned char *)base64, (int)size);
    return decoded < 0 ? -EINVAL : decoded - (int)padding;
}

/* A string of RFC 4251, section 5: its length in four bytes, then the bytes. */
static struct wire_in wire_string(struct wire_in *in)
{
    return wire_slice(in, wire_u32_be(in));
}

static bool is_type(const struct wire_in *type, const char *name)
{
    return !type->failed && type->size == strlen(name) && memcmp(type->base, name, type->size) == 0;
}

/* The bits of a multiple precision integer of RFC 4251: big endian, perhaps with a leading zero. */
static size_t integer_bits(const struct wire_in *integer)
{
    const uint8_t *byte = integer->base;
    size_t size = integer->failed ? 0 : integer->size, bits;

    for (; size > 0 && *byte == 0; size--)
        byte++;
    bits = size * 8;
    for (unsigned top = size > 0 ? *byte : 0x80; !(top & 0x80); top <<= 1)
        bits--;
    return bits;
}

static int check_blob(const uint8_t *blob, size_t size)
{
    struct wire_in in = wire_in_init(blob, size);
    struct wire_in type = wire_string(&in);
    struct wire_in exponent, modulus;

    for (size_t i = 0; i < ARRAY_SIZE(accepted_types); i++) {
        if (!is_type(&type, accepted_types[i]))
            continue;
        if (strcmp(accepted_types[i], TYPE_RSA) != 0)
            return wire_left(&in) > 0 ? 0 : -EINVAL;
        exponent = wire_string(&in);
        modulus = wire_string(&in);
        if (exponent.failed || modulus.failed || wire_left(&in) > 0)
            return -EINVAL;
        return integer_bits(&modulus) >= SSH_KEY_RSA_BITS ? 0 : -EKEYREJECTED;
    }
    return type.failed ? -EINVAL : -ENOTSUP;
}

int ssh_key_hash_base64(const char *base64, size_t size, struct ssh_key_hash *hash)
{
    uint8_t blob[SSH_KEY_BLOB_MAX];
    int decoded = decode_base64(base64, size, blob), rc;

    if (decoded < 0)
        return decoded;
    rc = check_blob(blob, (size_t)decoded);
    if (rc < 0)
        return rc;
    SHA256(blob, (size_t)decoded, hash->bytes);
    return 0;
}

/* ---- the file ---- */

struct word {
    const char *text;
    size_t size;
};

static struct word next_word(const char **at, const char *end)
{
    struct word word;

    while (*at < end && strchr(" \t\r", **at))
        ++*at;
    word.text = *at;
    while (*at < end && !strchr(" \t\r", **at))
        ++*at;
    word.size = (size_t)(*at - word.text);
    return word;
}

static bool word_is(const struct word *word, const char *text)
{
    return word->size == strlen(text) && memcmp(word->text, text, word->size) == 0;
}

/* Every type of key that OpenSSH knows begins so; what else begins a line is an option. */
static bool is_key_type(const struct word *word)
{
    static const char *const prefixes[] = {"ssh-", "ecdsa-", "sk-"};

    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
        if (word->size > strlen(prefixes[i]) &&
            memcmp(word->text, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static bool is_accepted_type(const struct word *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(accepted_types); i++)
        if (word_is(word, accepted_types[i]))
            return true;
    return false;
}

/* Why a line is left out, or NULL: `hash` is its key. */
static const char *parse_line(struct word type, struct word base64, struct ssh_key_hash *hash)
{
    if (!is_key_type(&type))
        return "options before the key are not supported, so the key is not accepted";
    if (!is_accepted_type(&type))
        return "its type of key is not supported";
    switch (ssh_key_hash_base64(base64.text, base64.size, hash)) {
    case 0:
        return NULL;
    case -EKEYREJECTED:
        return "an RSA key needs at least 2048 bits";
    default:
        return "this is no public key";
    }
}

static size_t count_lines(const char *text)
{
    size_t lines = 1;

    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

struct ssh_keys *ssh_keys_parse(const char *text, const char *owner)
{
    struct ssh_keys *keys =
        calloc(1, sizeof *keys + (text ? count_lines(text) : 0) * sizeof keys->hashes[0]);
    unsigned number = 0;

    if (!keys || !text)
        return keys;
    for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
        const char *at = line, *wrong;

        end = strchrnul(line, '\n');
        number++;
        struct word type = next_word(&at, end), base64 = next_word(&at, end);
        if (type.size == 0 || type.text[0] == '#')
            continue;
        wrong = parse_line(type, base64, &keys->hashes[keys->count]);
        if (wrong)
            log_warning("authorized keys of %s, line %u: %s", owner, number, wrong);
        else
            keys->count++;
    }
    return keys;
}

void ssh_keys_free(struct ssh_keys *keys)
{
    free(keys);
}

size_t ssh_keys_count(const struct ssh_keys *keys)
{
    return keys->count;
}

bool ssh_keys_contain(const struct ssh_keys *keys, const struct ssh_key_hash *key)
{
    for (size_t i = 0; i < keys->count; i++)
        if (memcmp(keys->hashes[i].bytes, key->bytes, sizeof key->bytes) == 0)
            return true;
    return false;
}

bool ssh_keys_equal(const struct ssh_keys *a, const struct ssh_keys *b)
{
    return a->count == b->count &&
           memcmp(a->hashes, b->hashes, a->count * sizeof a->hashes[0]) == 0;
}
