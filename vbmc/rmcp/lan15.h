/* The packet of IPMI 1.5 (IPMI 2.0, section 13.6): outside of a session clients ask with it for the
 * authentication capabilities before they turn to RMCP+; inside of one it is all that IPMI 1.5 has.
 * Nothing is encrypted in it. */
#ifndef VBMC_RMCP_LAN15_H
#define VBMC_RMCP_LAN15_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_in;

#define LAN15_KEY_SIZE       16 /* a password, zero padded; a longer one cannot log in */
#define LAN15_CODE_SIZE      16
#define LAN15_CHALLENGE_SIZE 16
#define LAN15_NAME_MAX       16

/* Authentication types of the wire that are spoken; MD2 (1) and those of OEMs (5) never are. */
enum lan15_type {
    LAN15_NONE = 0,
    LAN15_MD5 = 2,
    LAN15_PASSWORD = 4, /* the password itself */
};

/* The pointers lead into the datagram that was parsed. */
struct lan15_packet {
    uint8_t type; /* enum lan15_type, or another value */
    uint32_t sequence;
    uint32_t session;
    const uint8_t *code; /* LAN15_CODE_SIZE bytes; NULL for type none */
    const uint8_t *message;
    size_t message_length;
};

/* What stands in front of a message that is sent. All zero: outside of a session. */
struct lan15_header {
    enum lan15_type type;
    uint32_t sequence;
    uint32_t session;
    const uint8_t *key; /* LAN15_KEY_SIZE bytes; not used for type none */
};

/* Takes a packet apart, from the byte behind the RMCP header. One byte behind it is accepted (the
 * legacy pad) and not counted. 0, or -EBADMSG. Nothing is proven yet about its code. */
int lan15_parse(struct wire_in in, struct lan15_packet *packet);

/* True if the packet is of that type (not none), and its code right by that key. */
bool lan15_verify(const struct lan15_packet *packet, enum lan15_type type,
                  const uint8_t key[LAN15_KEY_SIZE]);

/* Writes a whole datagram around an IPMI message of at most 255 bytes. It never has the legacy pad,
 * which only certain old network chips need: FreeIPMI takes it for part of the message. Returns its
 * length, or -EMSGSIZE, -ENOTSUP (OpenSSL has no MD5), -EIO. */
int lan15_build(const struct lan15_header *header, const uint8_t *message, size_t message_length,
                uint8_t *bytes, size_t size);

#endif
