/* Options and arguments of the `vbmc` command: one table, from which parsing, help and shell
 * completion are made. */
#ifndef VBMC_CLI_OPTIONS_H
#define VBMC_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vbmc/physics/availability.h"
#include "vbmc/cli/format.h"

/* Which verbs take an option. */
enum cli_option_group {
    CLI_GROUP_PROGRAM = 1 << 0, /* how the program runs; not in the shell */
    CLI_GROUP_FORMAT = 1 << 1,
    CLI_GROUP_ADD = 1 << 2,
    CLI_GROUP_DEFINE = 1 << 3,
    CLI_GROUP_DUMPXML = 1 << 4,
    CLI_GROUP_BOOTDEV = 1 << 5,
    CLI_GROUP_DOCTOR = 1 << 6,
    CLI_GROUP_COMPLETE = 1 << 7,
    CLI_GROUP_COMMON = 1 << 8,
    CLI_GROUP_CONSOLE = 1 << 9,
    CLI_GROUP_SIMULATE = 1 << 10,
    CLI_GROUP_SEL = 1 << 11,
    CLI_GROUP_FRU = 1 << 12,
    CLI_GROUP_TOP = 1 << 13,
    CLI_GROUP_INJECT = 1 << 14, /* a last word such as -3.5 is no option */
    CLI_GROUP_ROOM = 1 << 15,
    CLI_GROUP_UNDEFINE = 1 << 16,
    CLI_GROUP_USER = 1 << 17,
    CLI_GROUP_AUDIT = 1 << 18,
    CLI_GROUP_SELECT = 1 << 19, /* which BMCs, where that may be many */
    CLI_GROUP_BULK = 1 << 20,   /* how many of them are asked at a time */
    CLI_GROUP_TAG = 1 << 21,
    CLI_GROUP_INBAND = 1 << 22,
    /* Before the verb, and after it too. */
    CLI_GROUP_GLOBAL = CLI_GROUP_PROGRAM | CLI_GROUP_COMMON,
};

/* What was given; NULL, 0 or false for what was not. Texts point into argv, except secrets, which
 * are copied and wiped there. */
struct cli_options {
    const char *config;
    const char *socket;
    const char *log_file;
    bool no_daemon; /* of OpenStack's tool: without effect */
    bool verbose;
    bool quiet;
    bool debug;
    bool help;
    bool version;
    struct cli_format format;
    bool format_given;
    const char *username;
    char *password; /* wiped by cli_options_clear */
    const char *password_file;
    const char *privilege;
    const char *rename;
    const char *ipmi; /* "yes" or "no" */
    bool enable;
    bool disable;
    unsigned id;  /* 0: not given */
    int sessions; /* of an account; CLI_SESSIONS_NOT_GIVEN */
    const char *address;
    uint16_t port;
    const char *libvirt_uri;
    const char *sasl_username;
    char *sasl_password; /* wiped by cli_options_clear */
    const char *hypervisor;
    bool inactive;
    bool keep_nvram;
    bool persistent;
    bool security;
    bool domains;
    bool verbs;
    const char *options_of;
    int lines; /* of history; CLI_LINES_ALL; CLI_LINES_NOT_GIVEN */
    bool log;
    bool follow;
    bool add_serial;
    const char *interface; /* of a guest to its BMC */
    unsigned last;         /* events or records; 0: not given */
    const char *since;
    bool clear;
    bool list;
    const char *asset_tag;
    double interval_s;
    const char *redundancy;
    bool all;
    struct cli_format_names tags;    /* KEY or KEY=VALUE; all of them */
    struct cli_format_names removed; /* tags */
    const char *state;               /* "on", "off" or "unknown" */
    unsigned jobs;
    double stagger_s;
    struct availability_settings simulation; /* except for the number of units */
    char **names;                            /* what is no option */
    size_t name_count;
};

#define CLI_SESSIONS_NOT_GIVEN (-1)

#define CLI_LINES_ALL       (-1)
#define CLI_LINES_NOT_GIVEN (-2)

#define CLI_OPTIONS_ERROR_SIZE 256

/* At a time. The daemon serves 64 clients, and a hypervisor carries out a few actions at once. */
#define CLI_JOBS_DEFAULT 8
#define CLI_JOBS_MAX     32

/* Nothing given yet. */
#define CLI_OPTIONS_NONE                                                                           \
    ((struct cli_options){.lines = CLI_LINES_NOT_GIVEN,                                            \
                          .sessions = CLI_SESSIONS_NOT_GIVEN,                                      \
                          .interval_s = 2,                                                         \
                          .jobs = CLI_JOBS_DEFAULT,                                                \
                          .simulation = {.needed = 1,                                              \
                                         .reliability = 0.999,                                     \
                                         .repair = 0.1,                                            \
                                         .years = 1,                                               \
                                         .runs = 1000,                                             \
                                         .seed = 1}})

/* Parses the global options in front of the verb. `*verb` is then the index of the verb in argv, or
 * argc if there is none. 0, or -EINVAL with one line in `error`. */
int cli_options_parse_global(int argc, char **argv, struct cli_options *options, int *verb,
                             char error[CLI_OPTIONS_ERROR_SIZE]);
/* Parses what follows the verb argv[0]: options of `groups` (a set of cli_option_group, which is
 * all that is taken) and names in any order, "--" ends the options. As cli_options_parse_global. */
int cli_options_parse(int argc, char **argv, unsigned groups, struct cli_options *options,
                      char error[CLI_OPTIONS_ERROR_SIZE]);
void cli_options_clear(struct cli_options *options);

/* The options of the groups with their help, one per line. */
void cli_options_print_help(unsigned groups, FILE *out);
/* Their long names, one per line, for shell completion. */
void cli_options_print_names(unsigned groups, FILE *out);

#endif
