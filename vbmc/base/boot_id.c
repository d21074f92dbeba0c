#include "vbmc/base/boot_id.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

/* It lasts longer than this process, and is asked for at every save of a BMC. */
static char boot_id[BOOT_ID_SIZE];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_file(void)
{
    FILE *file = fopen(BOOT_ID_PATH, "re");

    if (!file || !fgets(boot_id, sizeof boot_id, file))
        boot_id[0] = '\0';
    boot_id[strcspn(boot_id, "\n")] = '\0';
    if (file)
        fclose(file);
}

void boot_id_read(char id[BOOT_ID_SIZE])
{
    pthread_once(&once, read_file);
    memcpy(id, boot_id, sizeof boot_id);
}
