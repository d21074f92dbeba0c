/* Which machine this is, and which boot of it. */
#ifndef VBMC_BASE_BOOT_ID_H
#define VBMC_BASE_BOOT_ID_H

#define BOOT_ID_SIZE 64

/* The kernel's random id of the present boot, as text; "" if it cannot be read. */
void boot_id_read(char id[BOOT_ID_SIZE]);
/* /etc/machine-id, see machine-id(5); "" if it cannot be read. */
void machine_id_read(char id[BOOT_ID_SIZE]);

#endif
