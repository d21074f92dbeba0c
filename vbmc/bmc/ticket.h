/* A request that waits for the model to finish something. A value, copied freely: `sink` outlives
 * every request, and the numbers name what is to be answered, so that an answer for something gone
 * is dropped when the numbers are looked up. */
#ifndef VBMC_BMC_TICKET_H
#define VBMC_BMC_TICKET_H

#include <stdbool.h>
#include <stdint.h>

struct bmc_ticket {
    /* result: 0 or a negative error as in vbmc/host/host.h. Runs exactly once. NULL: nobody waits.
     */
    void (*done)(const struct bmc_ticket *ticket, int result);
    /* A copy of the state that holds the change has just been handed to the store: what is handed
     * to it from within is written together with the copy, whose result is the ticket's. NULL:
     * there is nothing. */
    void (*along)(const struct bmc_ticket *ticket);
    const void *sink;
    uint32_t numbers[3];
    uint8_t data[4]; /* goes with the answer if the result is 0 */
    uint8_t data_length;
    const char *text;   /* while done runs: what there is to say beside the result; else NULL */
    bool waits_for_end; /* is not answered as accepted while a guest's operation still runs */
};

/* NULL: nobody waits. */
static inline void bmc_ticket_finish(const struct bmc_ticket *ticket, int result)
{
    if (ticket && ticket->done)
        ticket->done(ticket, result);
}

/* The same with a text, which is borrowed until this returns; NULL: none. */
static inline void bmc_ticket_finish_with(const struct bmc_ticket *ticket, int result,
                                          const char *text)
{
    struct bmc_ticket told = *ticket;

    told.text = text;
    bmc_ticket_finish(&told, result);
}

#endif
