/* The range of memory that locked.h gives to the daemon. A program that does not call it, as
 * `vbmc`, starts without OpenSSL, whose relocations are a third of what it would take. */
#ifndef VBMC_BASE_LOCKED_RANGE_H
#define VBMC_BASE_LOCKED_RANGE_H

/* Makes the range, as large as RLIMIT_MEMLOCK lets it be, at most 32 MiB: 2 KiB for each BMC, and
 * 128 bytes for each session. It locks the stack of the calling thread too, 64 KiB of what is below
 * the caller. Once, before other threads; without it all is ordinary memory. 0; -EPERM if there is
 * something that cannot be locked, or -ENOMEM. */
int locked_begin(void);

#endif
