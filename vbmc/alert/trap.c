#include "vbmc/alert/trap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

_Static_assert(sizeof(oid) == sizeof(unsigned long), "object identifiers are as net-snmp has them");

static netsnmp_pdu *new_pdu(const struct trap *trap)
{
    netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_TRAP);

    if (!pdu)
        return NULL;
    pdu->version = SNMP_VERSION_1;
    pdu->community_len = strlen(trap->community);
    pdu->community = netsnmp_memdup(trap->community, pdu->community_len);
    pdu->enterprise_length = trap->enterprise_length;
    pdu->enterprise =
        netsnmp_memdup(trap->enterprise, trap->enterprise_length * sizeof *trap->enterprise);
    memcpy(pdu->agent_addr, trap->agent, sizeof trap->agent);
    pdu->trap_type = SNMP_TRAP_ENTERPRISESPECIFIC;
    pdu->specific_type = (long)trap->specific;
    pdu->time = trap->time_cs;
    if (!pdu->enterprise || (pdu->community_len > 0 && !pdu->community) ||
        !snmp_pdu_add_variable(pdu, trap->variable, trap->variable_length, ASN_OCTET_STR,
                               trap->value, trap->value_size)) {
        snmp_free_pdu(pdu);
        return NULL;
    }
    return pdu;
}

int trap_encode(const struct trap *trap, uint8_t bytes[TRAP_SIZE_MAX])
{
    netsnmp_session session = {.version = SNMP_VERSION_1};
    size_t room = TRAP_SIZE_MAX, length = 0;
    u_char *packet = malloc(room);
    netsnmp_pdu *pdu = packet ? new_pdu(trap) : NULL;
    int result = -ENOMEM;

    if (pdu) {
        /* Backwards from the end of the room, which may grow: so lengths are as short as can be. */
        netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_REVERSE_ENCODE, 1);
        result = snmp_build(&packet, &room, &length, &session, pdu);
        result = result < 0 || length > TRAP_SIZE_MAX ? -EMSGSIZE : (int)length;
        snmp_free_pdu(pdu);
    }
    if (result > 0)
        memcpy(bytes, packet + room - length, length);
    free(packet);
    return result;
}
