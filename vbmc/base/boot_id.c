#include "vbmc/base/boot_id.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define BOOT_ID_PATH    "/proc/sys/kernel/random/boot_id"
#define MACHINE_ID_PATH "/etc/machine-id"

/* It lasts longer than this process, and is asked for at every save of a BMC. */
static char boot_id[BOOT_ID_SIZE];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_line(const char *path, char line[BOOT_ID_SIZE])
{
    FILE *file = fopen(path, "re");

    if (!file || !fgets(line, BOOT_ID_SIZE, file))
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (file)
        fclose(file);
}

static void read_boot_id(void)
{
    read_line(BOOT_ID_PATH, boot_id);
}

void boot_id_read(char id[BOOT_ID_SIZE])
{
    pthread_once(&once, read_boot_id);
    memcpy(id, boot_id, sizeof boot_id);
}

void machine_id_read(char id[BOOT_ID_SIZE])
{
    read_line(MACHINE_ID_PATH, id);
}
