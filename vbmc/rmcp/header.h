/* The RMCP header in front of every datagram (ASF 2.0, section 3.2.2.2; IPMI 2.0, section 13.1.3).
 */
#ifndef VBMC_RMCP_HEADER_H
#define VBMC_RMCP_HEADER_H

#include <stdint.h>

struct wire_in;
struct wire_out;

#define RMCP_HEADER_SIZE  4
#define RMCP_DATAGRAM_MAX 1024 /* longest datagram looked at, and longest one built */

enum rmcp_class {
    RMCP_CLASS_ASF = 6,
    RMCP_CLASS_IPMI = 7,
};

/* Reads the header and leaves the cursor behind it. The sequence number is not looked at: no client
 * wants RMCP acknowledgements. 0, or -EBADMSG (too short, another version, an acknowledgement). */
int rmcp_header_parse(struct wire_in *in, uint8_t *class);
void rmcp_header_put(struct wire_out *out, enum rmcp_class class);

#endif
