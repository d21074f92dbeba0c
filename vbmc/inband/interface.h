/* The system interface of one BMC (IPMI 2.0, section 6.5, channel 0Fh): requests of its own guest,
 * which come by QEMU's VM protocol (framing.h), and what the BMC tells QEMU: the answers, the
 * attention bit and whether interrupts are enabled. No sockets here: bytes in, bytes out.
 *
 * QEMU has one request under way. One that comes while another waits for its answer takes its
 * place: QEMU has answered that one itself, after QEMU_WAITS_MS or because the guest was reset, and
 * an answer to it now would be taken for one to the next.
 *
 * A request that QEMU writes into a connection whose other end has just died is lost: QEMU neither
 * answers it nor writes it again (chr_event in its ipmi_bmc_extern.c), and until it has an answer
 * KCS takes nothing of the guest, not even an abort (ipmi_kcs.c), so that the guest's driver hangs
 * until the next power-on. So a connection by which nothing is asked for a while gets an answer,
 * initialising, for each sequence number. QEMU drops those that it does not wait for; they count
 * backwards, as the one that it takes makes it wait for the next. A guest that has asked nothing
 * finds an answer which it clears away as an error before its next request. */
#ifndef VBMC_INBAND_INTERFACE_H
#define VBMC_INBAND_INTERFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bmc;
struct inband_interface;
struct ipmi_session_ops;
struct ipmi_response;
struct ipmi_sink;
struct ipmi_token;
struct messaging;

/* So long QEMU waits for an answer. */
#define INBAND_QEMU_WAITS_MS 4000

/* A guest may ask for so much in each window; then nothing is read until the next one. */
#define INBAND_WINDOW_MS       100
#define INBAND_WINDOW_REQUESTS 1000
#define INBAND_WINDOW_BYTES    65536

struct inband_config {
    uint32_t bmc_number;
    struct bmc *bmc;
    const struct messaging *messaging; /* of the same BMC */
    const struct ipmi_sink *sink; /* late answers; their owner calls inband_interface_complete */
    const struct ipmi_session_ops
        *sessions; /* those of the LAN, which the guest may look at; NULL */
    void *sessions_context;
    /* Sends bytes by the present connection, all or none. */
    void (*send)(void *context, const uint8_t *bytes, size_t length);
    /* Whether the BMC is on its way up and answers nothing but that. */
    bool (*is_starting)(void *context);
    void *context;
};

struct inband_counters {
    uint64_t requests;
    uint64_t dropped; /* units that were none */
    uint64_t late;    /* answers that nobody waited for any more */
    uint64_t connections;
};

/* NULL: no memory. */
struct inband_interface *inband_interface_new(const struct inband_config *config);
/* NULL is allowed. */
void inband_interface_free(struct inband_interface *interface);

/* The guest may change nothing of its BMC. */
void inband_interface_set_read_only(struct inband_interface *interface, bool read_only);

/* QEMU has connected: it is greeted, and told the state. */
void inband_interface_connected(struct inband_interface *interface);
/* It has been connected for a while: what it may wait for since before is answered. */
void inband_interface_settled(struct inband_interface *interface);
/* Its guest was booted just now, in a QEMU that can wait for nothing of before. */
void inband_interface_started(struct inband_interface *interface);
/* It is gone: what it waited for is not answered. */
void inband_interface_disconnected(struct inband_interface *interface);
/* Bytes of QEMU's. 0, or -EPROTO: it speaks another version, and is to be disconnected. */
int inband_interface_receive(struct inband_interface *interface, const uint8_t *bytes,
                             size_t length, uint64_t now_ms);
/* How long nothing of it is to be read, as it has asked for as much as it may; 0: it may go on. */
uint64_t inband_interface_pause_ms(const struct inband_interface *interface, uint64_t now_ms);
/* A late answer. */
void inband_interface_complete(struct inband_interface *interface, const struct ipmi_token *token,
                               const struct ipmi_response *response, uint64_t now_ms);
/* Message flags or global enables have changed: QEMU is told what has become of it. */
void inband_interface_update(struct inband_interface *interface);
/* A request waits for its answer, which may still be of use. */
bool inband_interface_has_pending(const struct inband_interface *interface, uint64_t now_ms);

bool inband_interface_is_read_only(const struct inband_interface *interface);
bool inband_interface_is_connected(const struct inband_interface *interface);
const struct inband_counters *inband_interface_counters(const struct inband_interface *interface);

#endif
