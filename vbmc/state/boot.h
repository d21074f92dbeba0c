/* The boot options of a BMC as the store has them, with what became of them in the guest. */
#ifndef VBMC_STATE_BOOT_H
#define VBMC_STATE_BOOT_H

#include "vbmc/state/saves.h"

struct bmc;
struct store_boot;

/* Who has boot options to store. */
struct boot_owner {
    struct bmc *bmc;
    /* What the driver keeps of the boot override (struct store_boot); each may be NULL. */
    void (*driver_record)(struct bmc *bmc, const char **live, const char **stored);
};

/* How they are stored: the owner is a struct boot_owner, a copy a struct store_boot without the
 * driver's texts. */
extern const struct save_kind boot_save_kind;

/* Such a copy of a row, to be freed; NULL without memory. */
struct store_boot *boot_rows_copy(const struct store_boot *row);
/* Before anything is known of the guest. The driver's texts are the caller's business. */
void boot_rows_decode(struct bmc *bmc, const struct store_boot *row);

#endif
