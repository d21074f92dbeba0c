/* <qemu:commandline>: arguments of QEMU's that libvirt passes on as they are. Internal. */
#ifndef VBMC_DOMXML_COMMANDLINE_H
#define VBMC_DOMXML_COMMANDLINE_H

#include <libxml/tree.h>

#define DOMXML_QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

/* The element of a domain; NULL if there is none. */
xmlNodePtr domxml_commandline(xmlNodePtr root);
/* The value behind the n-th (from 0) option of that name, to be freed; NULL if there are fewer. */
char *domxml_nth_argument(xmlNodePtr commandline, const char *option, unsigned n);
/* What stands behind `name` (",id=") in a list of options, up to a comma; to be freed. NULL: it is
 * not in it. */
char *domxml_copy_option(const char *options, const char *name);

#endif
