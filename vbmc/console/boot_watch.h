/* Watches a console for the login prompt, by which a guest without an agent shows that its system
 * has booted. */
#ifndef VBMC_CONSOLE_BOOT_WATCH_H
#define VBMC_CONSOLE_BOOT_WATCH_H

struct boot_watch;
struct hub;

/* `booted` is called at the first prompt after each boot_watch_arm. NULL if there is no memory. */
struct boot_watch *boot_watch_new(void (*booted)(void *context), void *context);
/* NULL is allowed. The hub may be gone already. */
void boot_watch_free(struct boot_watch *watch);
/* The guest begins to boot: what it says on this hub from now on is looked at, until the prompt. */
void boot_watch_arm(struct boot_watch *watch, struct hub *hub);

#endif
