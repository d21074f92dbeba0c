/* What the modes of the load generator share. */
#ifndef TESTS_BENCH_LOGINS_H
#define TESTS_BENCH_LOGINS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/client.h"

struct plan {
    struct sockaddr_in bmc; /* the first; others have the ports behind it */
    unsigned bmcs;
    struct client_account account;
    unsigned clients;
    unsigned seconds;
    unsigned datagrams; /* of a flood, in all */
    unsigned sources;   /* that it comes from */
    unsigned rounds;    /* of what is timed */
    unsigned requests;  /* of commands, in all; 0: as many as there is time for */
    unsigned server;    /* process whose time of the processor is measured; 0: of none */
    bool at_leisure;    /* only what fails counts */
};

/* Each prints what it has measured and returns the program's exit status. */
int measure_rate(const struct plan *plan);
int measure_flood(const struct plan *plan);
int measure_timing(const struct plan *plan, char **cases, size_t count);

/* Whom commands are for: a BMC, or an echo, of which the client knows nothing but that something
 * has come, or what a session checks. */
enum asking { ASKING_BMC, ASKING_BARE, ASKING_SEALED };

/* `words`: NetFn, command and data; none: Get Chassis Status. */
int measure_commands(const struct plan *plan, enum asking asking, char **words, size_t count);
/* Does not return. */
int serve_echo(const struct plan *plan);

uint64_t clock_us(void);
uint64_t clock_ns(void);
/* Ends the program with the words of errno. */
_Noreturn void give_up(const char *what);
/* A socket that is bound to `source` (0: to none), connected to the n-th BMC, and does not block.
 */
int connect_bmc(const struct plan *plan, unsigned n, uint32_t source);

/* Times in us, as many as come. */
struct times {
    uint32_t *us;
    size_t count;
    size_t size;
};

void times_add(struct times *times, uint64_t us);
/* The part of them, of 1000, that is not above the answer. 0 for none. */
uint32_t times_at(struct times *times, unsigned thousandths);
void times_free(struct times *times);

#endif
