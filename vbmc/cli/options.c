#include "vbmc/cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/nearest.h"

#define OPTIONS_MAX 40 /* of one verb */
#define COUNT_MAX   1000000

_Static_assert(COUNT_MAX <= AVAILABILITY_RUNS_MAX, "as many runs as the help says");

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_SECRET, /* a text that is wiped from the command line */
    OPTION_PORT,
    OPTION_WIDTH,
    OPTION_FORMAT,
    OPTION_QUOTE,
    OPTION_LINES,
    OPTION_LINES_OR_ALL, /* may stand without its argument */
    OPTION_NAMES,        /* repeatable */
    OPTION_PROBABILITY,
    OPTION_YEARS,
    OPTION_COUNT,
    OPTION_NEEDED,
    OPTION_SEED,
    OPTION_INTERVAL,
    OPTION_SESSIONS,
    OPTION_ID,
    OPTION_STATE,
    OPTION_JOBS,
    OPTION_DURATION,
};

#define AT(member) offsetof(struct cli_options, member)

static const struct cli_option {
    const char *name;
    char letter;
    enum cli_option_group group;
    enum option_kind kind;
    size_t offset;
    const char *argument;
    const char *help;
} table[] = {
    {"config", 0, CLI_GROUP_PROGRAM, OPTION_TEXT, AT(config), "FILE",
     "vbmc.conf of the daemon: says where its socket is"},
    {"socket", 0, CLI_GROUP_PROGRAM, OPTION_TEXT, AT(socket), "PATH",
     "control socket of the daemon (else that of --config, else $VBMC_SOCKET)"},
    {"log-file", 0, CLI_GROUP_PROGRAM, OPTION_TEXT, AT(log_file), "FILE",
     "append errors to FILE as well"},
    {"no-daemon", 0, CLI_GROUP_PROGRAM, OPTION_FLAG, AT(no_daemon), NULL,
     "accepted for old scripts; no effect"},
    {"verbose", 'v', CLI_GROUP_COMMON, OPTION_FLAG, AT(verbose), NULL, "show progress"},
    {"quiet", 'q', CLI_GROUP_COMMON, OPTION_FLAG, AT(quiet), NULL, "no progress, no notes"},
    {"debug", 0, CLI_GROUP_PROGRAM, OPTION_FLAG, AT(debug), NULL, "say what is asked of whom"},
    {"version", 0, CLI_GROUP_PROGRAM, OPTION_FLAG, AT(version), NULL, "print the version"},
    {"help", 'h', CLI_GROUP_COMMON, OPTION_FLAG, AT(help), NULL, "print help, of a verb too"},
    {"username", 0, CLI_GROUP_ADD, OPTION_TEXT, AT(username), "NAME",
     "user of this BMC (else the users of vbmc.conf)"},
    {"password", 0, CLI_GROUP_ADD | CLI_GROUP_USER, OPTION_SECRET, AT(password), "PASSWORD",
     "password of that user"},
    {"password-file", 0, CLI_GROUP_USER, OPTION_TEXT, AT(password_file), "FILE",
     "the same, from a file ('-': standard input)"},
    {"privilege", 0, CLI_GROUP_USER, OPTION_TEXT, AT(privilege), "LEVEL",
     "callback, user (of a new one the default), operator, administrator, oem or none"},
    {"rename", 0, CLI_GROUP_USER, OPTION_TEXT, AT(rename), "NAME", "another name"},
    {"enable", 0, CLI_GROUP_USER, OPTION_FLAG, AT(enable), NULL, "let it log in"},
    {"disable", 0, CLI_GROUP_USER, OPTION_FLAG, AT(disable), NULL,
     "do not let it log in, and end its sessions"},
    {"ipmi", 0, CLI_GROUP_USER, OPTION_TEXT, AT(ipmi), "yes|no",
     "whether it may use IPMI, and not SSH alone"},
    {"sessions", 0, CLI_GROUP_USER, OPTION_SESSIONS, AT(sessions), "COUNT",
     "sessions of IPMI at a time: 1 to 15, 0 for no limit"},
    {"id", 0, CLI_GROUP_USER, OPTION_ID, AT(id), "ID",
     "id of a new one: 2 to 15 (the lowest that is free)"},
    {"port", 0, CLI_GROUP_ADD, OPTION_PORT, AT(port), "PORT", "UDP port of this BMC"},
    {"address", 0, CLI_GROUP_ADD, OPTION_TEXT, AT(address), "ADDRESS",
     "IPv4 or IPv6 address of this BMC"},
    {"libvirt-uri", 0, CLI_GROUP_ADD, OPTION_TEXT, AT(libvirt_uri), "URI",
     "hypervisor of the domain"},
    {"libvirt-sasl-username", 0, CLI_GROUP_ADD, OPTION_TEXT, AT(sasl_username), "NAME",
     "SASL user for that hypervisor; goes with --libvirt-sasl-password"},
    {"libvirt-sasl-password", 0, CLI_GROUP_ADD, OPTION_SECRET, AT(sasl_password), "PASSWORD",
     "SASL password for that hypervisor"},
    {"hypervisor", 0, CLI_GROUP_DEFINE, OPTION_TEXT, AT(hypervisor), "NAME",
     "[hypervisor NAME] of vbmc.conf, where there are several"},
    {"keep-nvram", 0, CLI_GROUP_UNDEFINE, OPTION_FLAG, AT(keep_nvram), NULL,
     "leave the file with its UEFI variables"},
    {"inactive", 0, CLI_GROUP_DUMPXML, OPTION_FLAG, AT(inactive), NULL,
     "the stored definition, not the running one"},
    {"persistent", 0, CLI_GROUP_BOOTDEV, OPTION_FLAG, AT(persistent), NULL,
     "for every boot from now on, not the next one only"},
    {"security", 0, CLI_GROUP_DOCTOR, OPTION_FLAG, AT(security), NULL,
     "look for what weakens security, too"},
    {"domains", 0, CLI_GROUP_COMPLETE, OPTION_FLAG, AT(domains), NULL,
     "names of all domains, not of those with a BMC only"},
    {"verbs", 0, CLI_GROUP_COMPLETE, OPTION_FLAG, AT(verbs), NULL, "the verbs"},
    {"options", 0, CLI_GROUP_COMPLETE, OPTION_TEXT, AT(options_of), "VERB",
     "the options of a verb"},
    {"history", 0, CLI_GROUP_CONSOLE, OPTION_LINES_OR_ALL, AT(lines), "LINES",
     "show so many lines of history first, or all of it"},
    {"log", 0, CLI_GROUP_CONSOLE, OPTION_FLAG, AT(log), NULL,
     "print the history and leave; the serial port is not touched"},
    {"lines", 'n', CLI_GROUP_CONSOLE, OPTION_LINES, AT(lines), "LINES",
     "only so many lines of history"},
    {"follow", 'f', CLI_GROUP_CONSOLE, OPTION_FLAG, AT(follow), NULL,
     "with --log: go on with what the guest writes"},
    {"add-serial", 0, CLI_GROUP_CONSOLE, OPTION_FLAG, AT(add_serial), NULL,
     "give a domain without a serial port one"},
    {"interface", 0, CLI_GROUP_INBAND, OPTION_TEXT, AT(interface), "FRONT",
     "what the guest sees: kcs (the default), bt, pci-kcs or pci-bt"},
    {"last", 0, CLI_GROUP_SEL | CLI_GROUP_AUDIT, OPTION_COUNT, AT(last), "COUNT",
     "only the last so many records"},
    {"since", 0, CLI_GROUP_AUDIT, OPTION_TEXT, AT(since), "TIME",
     "none older: 30m, 2h or 7d ago, or a time as '2026-11-29 14:00'"},
    {"clear", 0, CLI_GROUP_SEL, OPTION_FLAG, AT(clear), NULL, "clear the log"},
    {"list", 0, CLI_GROUP_INJECT, OPTION_FLAG, AT(list), NULL, "list what is injected"},
    {"clear", 0, CLI_GROUP_INJECT, OPTION_FLAG, AT(clear), NULL,
     "undo it: all, that of a TARGET, or one KIND"},
    {"clear", 0, CLI_GROUP_ROOM, OPTION_FLAG, AT(clear), NULL, "all as it should be"},
    {"asset-tag", 0, CLI_GROUP_FRU, OPTION_TEXT, AT(asset_tag), "TEXT",
     "write the asset tag instead of showing the inventory"},
    {"interval", 'd', CLI_GROUP_TOP, OPTION_INTERVAL, AT(interval_s), "SECONDS",
     "seconds between two looks: 0.1 to 3600 (2)"},
    {"redundancy", 0, CLI_GROUP_SIMULATE, OPTION_TEXT, AT(redundancy), "POLICY",
     "simulate power supplies with N, N+1, 2N (the default) or 2N+1"},
    {"needed", 0, CLI_GROUP_SIMULATE, OPTION_NEEDED, AT(simulation.needed), "N",
     "how many of those carry the server: 1 (the default) or 2"},
    {"reliability", 0, CLI_GROUP_SIMULATE, OPTION_PROBABILITY, AT(simulation.reliability), "P",
     "probability that one lives through an hour: 0 to 1 (0.999)"},
    {"repair", 0, CLI_GROUP_SIMULATE, OPTION_PROBABILITY, AT(simulation.repair), "P",
     "probability that a failed one is repaired in an hour: 0 to 1 (0.1)"},
    {"years", 0, CLI_GROUP_SIMULATE, OPTION_YEARS, AT(simulation.years), "YEARS",
     "years of a simulated run: up to 100 (1)"},
    {"runs", 0, CLI_GROUP_SIMULATE, OPTION_COUNT, AT(simulation.runs), "COUNT",
     "how many runs to simulate: 1 to 1000000 (1000)"},
    {"seed", 0, CLI_GROUP_SIMULATE, OPTION_SEED, AT(simulation.seed), "NUMBER",
     "another number gives other runs, the same one the same (1)"},
    {"remove", 0, CLI_GROUP_TAG, OPTION_NAMES, AT(removed), "KEY",
     "remove this tag; may be repeated"},
    {"all", 0, CLI_GROUP_SELECT, OPTION_FLAG, AT(all), NULL, "all BMCs, in place of a NAME"},
    {"tag", 0, CLI_GROUP_SELECT, OPTION_NAMES, AT(tags), "KEY[=VALUE]",
     "those with this tag; VALUE may be a pattern; may be repeated: with all of them"},
    {"hypervisor", 0, CLI_GROUP_SELECT, OPTION_TEXT, AT(hypervisor), "NAME",
     "those on this [hypervisor NAME] of vbmc.conf"},
    {"state", 0, CLI_GROUP_SELECT, OPTION_STATE, AT(state), "STATE",
     "those whose guest is on, off or unknown"},
    {"jobs", 0, CLI_GROUP_BULK, OPTION_JOBS, AT(jobs), "COUNT",
     "of many, so many at a time: 1 to 32 (8)"},
    {"stagger", 0, CLI_GROUP_BULK, OPTION_DURATION, AT(stagger_s), "TIME",
     "of many, begin with the next one so much later: 500ms, 2s, 1m"},
    {"format", 'f', CLI_GROUP_FORMAT, OPTION_FORMAT, 0, "FORMAT",
     "table (the default), value, json, csv or yaml"},
    {"column", 'c', CLI_GROUP_FORMAT, OPTION_NAMES, AT(format.columns), "COLUMN",
     "only this column; may be repeated"},
    {"sort-column", 0, CLI_GROUP_FORMAT, OPTION_NAMES, AT(format.sort), "COLUMN",
     "sort by this column; may be repeated"},
    {"sort-descending", 0, CLI_GROUP_FORMAT, OPTION_FLAG, AT(format.sort_descending), NULL,
     "sort downwards"},
    {"noindent", 0, CLI_GROUP_FORMAT, OPTION_FLAG, AT(format.noindent), NULL, "json: on one line"},
    {"quote", 0, CLI_GROUP_FORMAT, OPTION_QUOTE, 0, "WHICH",
     "csv: quote all, minimal, none or nonnumeric (the default)"},
    {"max-width", 0, CLI_GROUP_FORMAT, OPTION_WIDTH, AT(format.max_width), "COLUMNS",
     "table: not wider than this, 0 for no limit (else, on a terminal, as wide as that)"},
    {"fit-width", 0, CLI_GROUP_FORMAT, OPTION_FLAG, AT(format.fit_width), NULL,
     "table: not wider than the terminal"},
    {"print-empty", 0, CLI_GROUP_FORMAT, OPTION_FLAG, AT(format.print_empty), NULL,
     "table: print the header even with nothing below it"},
};

/* The table's options of some groups, as getopt_long takes them; `val` is the index in the table
 * plus FIRST, so that it can be no letter. */
#define FIRST 256

struct selection {
    struct option options[OPTIONS_MAX];
    char letters[2 * OPTIONS_MAX + 3];
};

static int argument_of(enum option_kind kind)
{
    if (kind == OPTION_FLAG)
        return no_argument;
    return kind == OPTION_LINES_OR_ALL ? optional_argument : required_argument;
}

static void select_options(struct selection *selection, const char *prefix, unsigned groups)
{
    size_t used = strlen(prefix), count = 0;

    memset(selection, 0, sizeof *selection);
    memcpy(selection->letters, prefix, used);
    for (size_t i = 0; i < ARRAY_SIZE(table) && count < OPTIONS_MAX - 1; i++) {
        if (!(table[i].group & groups))
            continue;
        int has_argument = argument_of(table[i].kind);
        selection->options[count++] = (struct option){
            .name = table[i].name,
            .has_arg = has_argument,
            .val = FIRST + (int)i,
        };
        if (table[i].letter) {
            selection->letters[used++] = table[i].letter;
            if (has_argument != no_argument)
                selection->letters[used++] = ':';
        }
    }
}

static int read_number(const char *text, unsigned long least, unsigned long most,
                       unsigned long *number)
{
    char *end;

    errno = 0;
    *number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || *number < least || *number > most)
        return -EINVAL;
    return 0;
}

static int read_count(enum option_kind kind, const char *text, unsigned *count)
{
    static const struct {
        unsigned least, most;
    } limits[] = {
        [OPTION_COUNT] = {1, COUNT_MAX},   [OPTION_NEEDED] = {1, 2},    [OPTION_ID] = {2, 15},
        [OPTION_JOBS] = {1, CLI_JOBS_MAX}, [OPTION_SESSIONS] = {0, 15},
    };
    unsigned long number;
    int failed = read_number(text, limits[kind].least, limits[kind].most, &number);

    *count = (unsigned)number;
    return failed;
}

/* Decimal, as people write it. */
static int read_real(const char *text, double least, double most, double *number)
{
    char *end;

    *number = strtod(text, &end);
    if (!*text || strspn(text, "0123456789.eE-+") != strlen(text) || *end || end == text)
        return -EINVAL;
    return *number >= least && *number <= most ? 0 : -EINVAL;
}

/* "500ms", "2s", "1m" or "2", up to an hour. */
static int read_duration(const char *text, double *seconds)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"ms", 0.001}, {"s", 1}, {"m", 60}};
    size_t length = strspn(text, "0123456789.");
    char number[16], *end;

    if (length == 0 || length >= sizeof number)
        return -EINVAL;
    memcpy(number, text, length);
    number[length] = '\0';
    *seconds = strtod(number, &end);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strcmp(text + length, units[i].unit) != 0)
            continue;
        *seconds *= units[i].seconds;
        return *end || *seconds > 3600 ? -EINVAL : 0;
    }
    return -EINVAL;
}

static int read_state(const char *text, const char **state)
{
    *state = text;
    return strcmp(text, "on") == 0 || strcmp(text, "off") == 0 || strcmp(text, "unknown") == 0
               ? 0
               : -EINVAL;
}

static int add_name(struct cli_format_names *names, const char *name)
{
    if (names->count == CLI_FORMAT_COLUMNS_MAX)
        return -EINVAL;
    names->names[names->count++] = name;
    return 0;
}

static int set_secret(char **secret, char *argument)
{
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    free(*secret);
    *secret = strdup(argument);
    explicit_bzero(argument, strlen(argument));
    return *secret ? 0 : -ENOMEM;
}

static int set_option(struct cli_options *options, const struct cli_option *option, char *argument)
{
    void *target = (char *)options + option->offset;
    unsigned long number = 0;
    int failed;

    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)target = true;
        return 0;
    case OPTION_TEXT:
        *(const char **)target = argument;
        return 0;
    case OPTION_SECRET:
        return set_secret(target, argument);
    case OPTION_PORT:
        failed = read_number(argument, 1, UINT16_MAX, &number);
        *(uint16_t *)target = (uint16_t)number;
        return failed;
    case OPTION_WIDTH:
        failed = read_number(argument, 0, 100000, &number);
        *(unsigned *)target = (unsigned)number;
        options->format.width_given = true;
        return failed;
    case OPTION_FORMAT:
        options->format_given = true;
        return cli_format_parse_kind(argument, &options->format.kind);
    case OPTION_QUOTE:
        return cli_format_parse_quote(argument, &options->format.quote);
    case OPTION_LINES:
    case OPTION_LINES_OR_ALL:
        failed = argument ? read_number(argument, 0, INT_MAX, &number) : 0;
        *(int *)target = argument ? (int)number : CLI_LINES_ALL;
        return failed;
    case OPTION_NAMES:
        return add_name(target, argument);
    case OPTION_PROBABILITY:
        return read_real(argument, 0, 1, target);
    case OPTION_YEARS:
        return read_real(argument, 0, AVAILABILITY_YEARS_MAX, target);
    case OPTION_COUNT:
    case OPTION_NEEDED:
    case OPTION_ID:
    case OPTION_JOBS:
    case OPTION_SESSIONS:
        return read_count(option->kind, argument, target);
    case OPTION_INTERVAL:
        return read_real(argument, 0.1, 3600, target);
    case OPTION_STATE:
        return read_state(argument, target);
    case OPTION_DURATION:
        return read_duration(argument, target);
    case OPTION_SEED:
        failed = read_number(argument, 0, ULONG_MAX, &number);
        *(uint64_t *)target = number;
        return failed;
    }
    return -EINVAL;
}

static const struct cli_option *find_letter(int letter, unsigned groups)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (letter && table[i].letter == letter && table[i].group & groups)
            return &table[i];
    }
    return NULL;
}

static void fail_long_option(const char *given, unsigned groups, char *error)
{
    char word[40];

    snprintf(word, sizeof word, "%.*s", (int)strcspn(given, "="), given);
    struct nearest nearest = nearest_begin(word + strspn(word, "-"));
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].group & groups)
            nearest_offer(&nearest, table[i].name);
    }
    snprintf(error, CLI_OPTIONS_ERROR_SIZE, "unknown or ambiguous option '%.80s'%s%s%s", given,
             nearest.found ? "; did you mean '--" : "", nearest.found ? nearest.found : "",
             nearest.found ? "'?" : "");
}

/* Says what getopt_long did not like; it has just passed the option. */
static int fail_option(int result, char **argv, unsigned groups, char *error)
{
    const char *given = optind > 0 ? argv[optind - 1] : "";

    if (result == ':')
        snprintf(error, CLI_OPTIONS_ERROR_SIZE, "option '%.40s' needs a value", given);
    else if (optopt > 0 && optopt < FIRST)
        snprintf(error, CLI_OPTIONS_ERROR_SIZE, "unknown option '-%c'", optopt);
    else if (optopt >= FIRST)
        snprintf(error, CLI_OPTIONS_ERROR_SIZE, "option '--%s' takes no value",
                 table[optopt - FIRST].name);
    else
        fail_long_option(given, groups, error);
    return -EINVAL;
}

static int parse(int argc, char **argv, const char *prefix, unsigned groups,
                 struct cli_options *options, char *error)
{
    struct selection selection;
    int result;

    select_options(&selection, prefix, groups);
    opterr = 0;
    optind = 0; /* glibc: start again */
    while ((result = getopt_long(argc, argv, selection.letters, selection.options, NULL)) != -1) {
        const struct cli_option *option =
            result >= FIRST ? &table[result - FIRST] : find_letter(result, groups);
        if (!option)
            return fail_option(result, argv, groups, error);
        if (set_option(options, option, optarg)) {
            snprintf(error, CLI_OPTIONS_ERROR_SIZE, "'%.60s' is no value for --%s: %s", optarg,
                     option->name, option->help);
            return -EINVAL;
        }
    }
    return 0;
}

int cli_options_parse_global(int argc, char **argv, struct cli_options *options, int *verb,
                             char error[CLI_OPTIONS_ERROR_SIZE])
{
    int failed = parse(argc, argv, "+:", CLI_GROUP_GLOBAL, options, error);

    *verb = optind;
    return failed;
}

/* "-3.5", which getopt would take for an option. */
static bool is_negative(const char *word)
{
    return word[0] == '-' && word[1] >= '0' && word[1] <= '9';
}

int cli_options_parse(int argc, char **argv, unsigned groups, struct cli_options *options,
                      char error[CLI_OPTIONS_ERROR_SIZE])
{
    bool hide_last = groups & CLI_GROUP_INJECT && argc > 1 && is_negative(argv[argc - 1]);
    int failed = parse(argc - hide_last, argv, ":", groups, options, error);

    options->names = argv + optind;
    options->name_count = (size_t)(argc - optind);
    return failed;
}

void cli_options_clear(struct cli_options *options)
{
    char *secrets[] = {options->password, options->sasl_password};

    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        if (secrets[i])
            explicit_bzero(secrets[i], strlen(secrets[i]));
        free(secrets[i]);
    }
    options->password = options->sasl_password = NULL;
}

void cli_options_print_help(unsigned groups, FILE *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char left[64], letter[8] = "    ";
        if (!(table[i].group & groups))
            continue;
        if (table[i].letter)
            snprintf(letter, sizeof letter, "-%c, ", table[i].letter);
        bool optional = table[i].kind == OPTION_LINES_OR_ALL;
        snprintf(left, sizeof left, "%s--%s%s%s%s", letter, table[i].name,
                 optional            ? "[="
                 : table[i].argument ? " "
                                     : "",
                 table[i].argument ? table[i].argument : "", optional ? "]" : "");
        fprintf(out, "  %-38s %s\n", left, table[i].help);
    }
}

void cli_options_print_names(unsigned groups, FILE *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].group & groups)
            fprintf(out, "--%s\n", table[i].name);
    }
}
