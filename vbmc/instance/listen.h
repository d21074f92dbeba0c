/* Where one BMC listens. */
#ifndef VBMC_INSTANCE_LISTEN_H
#define VBMC_INSTANCE_LISTEN_H

#include <stdbool.h>

struct instance;
struct udp_socket;
union endpoint_address;

/* Where the BMC is to listen from the next time on. */
void instance_set_address(struct instance *instance, const union endpoint_address *address);
/* Opens the BMC's own socket at its address. 0, or a negative error (udp_socket_open). */
int instance_listen(struct instance *instance);
/* Serves the BMC on a socket that others share; its owner passes datagrams on. */
void instance_listen_shared(struct instance *instance, struct udp_socket *socket);
/* Remembers for instance_error why it does not listen, and logs it unless that was known. */
#define INSTANCE_ERROR_SIZE 200
void instance_note_error(struct instance *instance, const char *text);
void instance_stop_listening(struct instance *instance);
bool instance_is_listening(const struct instance *instance);
/* Where it listens, or is to listen; of no family as long as there is no place for it. */
const union endpoint_address *instance_address(const struct instance *instance);
/* Why it does not listen although it is to; "" if it does. */
const char *instance_error(const struct instance *instance);

#endif
