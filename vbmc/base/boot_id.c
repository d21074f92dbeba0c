#include "vbmc/base/boot_id.h"

#include <stdio.h>
#include <string.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

void boot_id_read(char id[BOOT_ID_SIZE])
{
    FILE *file = fopen(BOOT_ID_PATH, "re");

    if (!file || !fgets(id, BOOT_ID_SIZE, file))
        id[0] = '\0';
    id[strcspn(id, "\n")] = '\0';
    if (file)
        fclose(file);
}
