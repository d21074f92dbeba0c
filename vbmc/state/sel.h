/* The System Event Log of one BMC and its rows in the store. Loop thread. */
#ifndef VBMC_STATE_SEL_H
#define VBMC_STATE_SEL_H

struct bmc;
struct store;

/* Gives the bmc its log, with what is stored. A log that cannot be read is left alone and the bmc
 * has none, as ids would be used again; the daemon's own log says so. Without a store (NULL) there
 * is none either. 0 or a negative error. */
int sel_rows_open(struct bmc *bmc, struct store *store);
/* Takes it away. What has been handed to the store will be written; the loop has to turn for the
 * memory. */
void sel_rows_close(struct bmc *bmc);

#endif
