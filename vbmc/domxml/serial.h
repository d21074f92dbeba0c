/* The serial port in a domain's XML: where its bytes can be had, and adding one to a definition
 * that has none. The text is hostile as for domxml.h. */
#ifndef VBMC_DOMXML_SERIAL_H
#define VBMC_DOMXML_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

enum domxml_serial_kind {
    DOMXML_SERIAL_PTY,
    DOMXML_SERIAL_UNIX, /* has a path */
    DOMXML_SERIAL_TCP,  /* has a host and a port */
    DOMXML_SERIAL_OTHER /* nothing that can be opened, or one of the above without what it needs */
};

struct domxml_serial {
    enum domxml_serial_kind kind;
    char *type;    /* libvirt's word: "pty", "file", ...; never NULL, "" if there is none */
    char *alias;   /* QEMU's device id; NULL in a definition of a domain that does not run */
    char *path;    /* of the socket, or of the pty while the guest runs; NULL if there is none */
    char *host;    /* NULL if there is none */
    uint16_t port; /* 0: none */
    bool listens;  /* QEMU waits for us (mode='bind'), else it connects to somebody else */
    bool plain;    /* TCP: neither telnet nor TLS; true for the others */
};

/* Reads the serial port of that alias. With NULL the first <serial>, or, where there is none, the
 * first <console> that is a device of its own (virtio, sclp, xen, ...) and not another name of a
 * serial port. 0, -ENOENT, -EINVAL (not a domain's XML) or -ENOMEM; *serial is empty then.
 * Attributes of over 4096 bytes count as missing. */
int domxml_parse_serial(const char *xml, const char *alias, struct domxml_serial *serial);
void domxml_serial_clear(struct domxml_serial *serial);

/* The aliases that domxml_parse_serial knows, "serial0, serial1", to be freed; "" for none, cut
 * where there are absurdly many. NULL: not a domain's XML, or no memory. */
char *domxml_list_serials(const char *xml);

/* Adds <serial type='pty'> (and its <console>, where the domain has no console) to a definition;
 * everything else stays. *edited is to be freed. 0, -EEXIST (it has a <serial>), -EINVAL (not a
 * domain's XML, or one without <devices>) or -ENOMEM. */
int domxml_add_serial(const char *xml, char **edited);

#endif
