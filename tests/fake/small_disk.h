/* A disk of a given size under SQLite: its writes to one folder fail with ENOSPC, or are cut short,
 * where the files in it would become larger than that. */
#ifndef TESTS_SMALL_DISK_H
#define TESTS_SMALL_DISK_H

#include <stddef.h>

/* For databases that are opened from now on. */
void small_disk_begin(const char *folder, size_t size);
/* Another size, of the disk or of what others have left of it; at any time. */
void small_disk_resize(size_t size);
/* The bytes in the folder. */
size_t small_disk_used(void);
void small_disk_end(void);

#endif
