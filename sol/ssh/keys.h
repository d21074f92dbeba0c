/* The text of an authorized_keys file, and the keys that stand in it.
 *
 * The format is that of OpenSSH (sshd(8), "AUTHORIZED_KEYS FILE FORMAT"): one key a line as "type
 * base64 comment", empty lines and lines that begin with # left out. A line that begins with
 * options is refused, because to grant the key without what its options forbid would be wrong.
 * Accepted are ssh-ed25519, ecdsa-sha2-nistp256, -384, -521, and ssh-rsa from 2048 bits. */
#ifndef SOL_SSH_KEYS_H
#define SOL_SSH_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SSH_KEY_BLOB_MAX 4096 /* bytes; an RSA key of 16384 bits has about 2100 */
#define SSH_KEY_RSA_BITS 2048 /* the least */

/* A public key is told by the SHA-256 of its blob (RFC 4253, section 6.6), as its fingerprint. */
struct ssh_key_hash {
    uint8_t bytes[32];
};

struct ssh_keys;

/* `owner` is named in the warnings of lines that are left out. NULL: there is no memory. `text` may
 * be NULL: no keys. */
struct ssh_keys *ssh_keys_parse(const char *text, const char *owner);
void ssh_keys_free(struct ssh_keys *keys); /* NULL is allowed */
size_t ssh_keys_count(const struct ssh_keys *keys);
bool ssh_keys_contain(const struct ssh_keys *keys, const struct ssh_key_hash *key);
/* Whether both hold the same keys in the same order. */
bool ssh_keys_equal(const struct ssh_keys *a, const struct ssh_keys *b);

/* The hash of a key in base64, `size` characters, if it is of an accepted type and strength; else
 * -EINVAL (no key), -ENOTSUP (its type) or -EKEYREJECTED (too weak). */
int ssh_key_hash_base64(const char *base64, size_t size, struct ssh_key_hash *hash);

#endif
