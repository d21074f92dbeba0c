/* What a domain's XML says of the machine that the guest sees. The text is hostile as for domxml.h:
 * anybody may have written it. */
#ifndef VBMC_DOMXML_HARDWARE_H
#define VBMC_DOMXML_HARDWARE_H

#include <stddef.h>
#include <stdint.h>

struct host_hardware;

/* Reads the XML of a domain that runs, or its definition: aliases stand in the former alone. All
 * bytes of *hardware that hold nothing are zero; `emulator_version` is not in the XML. Disks, NICs
 * and modules beyond what the structure holds are left out, as are disks without a target and NICs
 * without a MAC address of its six bytes. 0, or -EINVAL (not a domain's XML). */
int domxml_parse_hardware(const char *xml, struct host_hardware *hardware);

/* Copies a text, cut to `size` at a whole UTF-8 character and filled up with zeros; control
 * characters become '?'. NULL is "". */
void domxml_copy_text(char *copy, size_t size, const char *text);

/* Six bytes "52:54:00:12:34:56" to `mac`; 0 or -EINVAL. */
int domxml_parse_mac(const char *text, uint8_t mac[6]);

#endif
