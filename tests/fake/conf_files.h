/* What the tests of vbmc.conf share: a folder of their own with the file in it. Everything asserts
 * by cmocka. */
#ifndef TESTS_FAKE_CONF_FILES_H
#define TESTS_FAKE_CONF_FILES_H

#include <stddef.h>
#include <sys/types.h>

#include "vbmc/config/config.h"

extern char conf_folder[];
extern char conf_file[64]; /* vbmc.conf in it */

/* For cmocka, of the group: the folder; what tests write there is removed with it. */
int conf_set_up(void **state);
int conf_tear_down(void **state);

/* A file of the folder. */
void conf_write_bytes(const char *name, const void *bytes, size_t size, mode_t mode);
void conf_write_file(const char *name, const char *text, mode_t mode);
/* vbmc.conf with that text, which is right; to be freed. */
struct config *conf_load(const char *text);
/* The same with any text: what config_load returns, and what it logs. */
int conf_load_logged(const char *text, struct config **config, char *log, size_t size);
/* The same with the file as it is. */
int conf_load_again_logged(struct config **config, char *log, size_t size);

#endif
