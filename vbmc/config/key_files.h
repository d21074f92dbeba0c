/* The files of public keys that [user NAME] names (authorized-keys in vbmc.conf(5)). A file is read
 * when it is first asked for, and again when it is another one: size, time of change, rights,
 * inode. Loop thread. */
#ifndef VBMC_CONFIG_KEY_FILES_H
#define VBMC_CONFIG_KEY_FILES_H

#include <stddef.h>

#include "vbmc/config/config.h"

struct key_files {
    struct key_file *of_user[CONFIG_USERS_MAX]; /* NULL: nothing was read */
};

/* The text of the file of that user of the configuration, which is `path`, NULL if there is none or
 * it cannot be used; why not is logged once for each file that is another one. Borrowed until the
 * next call for the user. */
const char *key_files_text(struct key_files *files, size_t user, const char *path);
void key_files_clear(struct key_files *files);

#endif
