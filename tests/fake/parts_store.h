/* The parts of the fake BMC (tests/fake/fake_bmc.h) on a real store that refuses what the test says
 * (tests/fake/refusing_store.h). */
#ifndef TESTS_FAKE_PARTS_STORE_H
#define TESTS_FAKE_PARTS_STORE_H

#include <stdbool.h>

#include "vbmc/bmc/core.h"

struct parts;

/* After the fake BMC was set up. NULL: no memory. */
struct parts *parts_store_begin(void);
/* Before it is taken down: what is on its way to the disk goes on. 0, or an error of libuv. */
int parts_store_end(void);

/* What was refused is tried again, by the fake BMC's clock. False if it is not time for that; waits
 * until the part is stored, which the store has to accept by now. */
bool parts_store_try_again(enum bmc_part part);

/* Stores the part as it is now, and returns the result when there is one. */
int parts_store_save(enum bmc_part part);

#endif
