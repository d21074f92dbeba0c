/* The manual pages and the example configuration against the program's own tables: each verb with
 * its options, each command of the shell, each key of the configuration in its section, each
 * constant of the model with its values. Whatever is missing is listed. Run from the top of the
 * tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/main.h"
#include "vbmc/cli/shell_commands.h"
#include "vbmc/config/keys.h"
#include "vbmc/physics/model.h"

#define PAGE_VBMC    "examples/man/vbmc.1"
#define PAGE_CONFIG  "examples/man/vbmc.conf.5"
#define EXAMPLE      "examples/vbmc.conf"
#define GROUP_BITS   32
#define SECTION_SIZE 32

/* A part of a text. */
struct part {
    const char *begin, *end;
};

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;

    if (!file)
        fail_msg("%s is not there: run this from the top of the tree", path);
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    fclose(file);
    return text;
}

static struct part whole(const char *text)
{
    return (struct part){text, text + strlen(text)};
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');

    return end ? end + 1 : line + strlen(line);
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* From the line `heading` up to the next heading of its kind or of a higher one. */
static struct part section_of(const char *page, const char *heading)
{
    const char *line = page, *begin;

    while (*line && !(begins_with(line, heading) && line[strlen(heading)] == '\n'))
        line = next_line(line);
    begin = line;
    for (line = next_line(line); *line && !begins_with(line, ".Sh ");) {
        if (begins_with(heading, ".Ss ") && begins_with(line, ".Ss "))
            break;
        line = next_line(line);
    }
    return (struct part){begin, line};
}

static bool is_part_of_word(char c)
{
    return c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

/* Not as a part of another word; "-port" is found in "Fl -port", not in "--import-port". */
static bool has_word(struct part part, const char *word)
{
    size_t size = strlen(word);

    for (const char *at = part.begin; (at = strstr(at, word)) && at + size <= part.end; at++) {
        if ((at == part.begin || !is_part_of_word(at[-1])) && !is_part_of_word(at[size]))
            return true;
    }
    return false;
}

/* One line of the part that begins with `prefix` has the word. */
static bool has_item(struct part part, const char *prefix, const char *word)
{
    for (const char *line = part.begin; line < part.end; line = next_line(line)) {
        if (begins_with(line, prefix) &&
            has_word((struct part){line + strlen(prefix), next_line(line)}, word))
            return true;
    }
    return false;
}

static unsigned miss(const char *path, const char *what, const char *name)
{
    print_error("%s has no %s %s\n", path, what, name);
    return 1;
}

/* ---- the command ---- */

/* From a verb's first item up to that of another verb; empty if there is none. */
static struct part verb_part(const char *page, const char *name)
{
    static const char item[] = ".It Cm ";
    const char *line = page, *begin = NULL;
    char word[32];

    for (; *line; line = next_line(line)) {
        bool is_item = begins_with(line, item);
        if (begin && (begins_with(line, ".Ss ") || begins_with(line, ".Sh ")))
            break;
        if (!is_item || sscanf(line + strlen(item), "%31s", word) != 1)
            continue;
        if (!begin && strcmp(word, name) == 0)
            begin = line;
        else if (begin && strcmp(word, name) != 0 && cli_find_verb(word))
            break;
    }
    return begin ? (struct part){begin, line} : (struct part){page, page};
}

static unsigned check_options(struct part part, unsigned groups, const char *verb)
{
    CLEANUP_FREE char *names = NULL;
    char what[64], *next, *name;
    size_t size;
    unsigned missing = 0;
    FILE *out = open_memstream(&names, &size);

    assert_non_null(out);
    cli_options_print_names(groups, out);
    fclose(out);
    snprintf(what, sizeof what, "option for '%s':", verb);
    for (name = strtok_r(names, "\n", &next); name; name = strtok_r(NULL, "\n", &next)) {
        /* `Fl -port` */
        if (!has_word(part, name + 1))
            missing += miss(PAGE_VBMC, what, name);
    }
    return missing;
}

/* Where the options of a group are explained: with the verb, except these. */
static struct part options_part(const char *page, unsigned group, const char *verb)
{
    if (group == CLI_GROUP_FORMAT)
        return section_of(page, ".Sh OUTPUT");
    if (group == CLI_GROUP_SELECT || group == CLI_GROUP_BULK)
        return section_of(page, ".Sh MANY BMCS");
    if (group == CLI_GROUP_SIMULATE)
        return section_of(page, ".Sh SIMULATION");
    return verb_part(page, verb);
}

static void test_verbs(void **state)
{
    CLEANUP_FREE char *page = read_text(PAGE_VBMC);
    unsigned missing = 0;

    (void)state;
    for (size_t i = 0; i < cli_verb_count; i++) {
        const struct cli_verb *verb = cli_verbs[i];
        struct part part = verb_part(page, verb->name);
        if (part.begin == part.end)
            missing += miss(PAGE_VBMC, "verb", verb->name);
        for (unsigned bit = 0; bit < GROUP_BITS && part.begin < part.end; bit++) {
            unsigned group = verb->groups & 1U << bit;
            if (group)
                missing += check_options(options_part(page, group, verb->name), group, verb->name);
        }
    }
    missing += check_options(section_of(page, ".Sh DESCRIPTION"), CLI_GROUP_GLOBAL, "every verb");
    assert_int_equal(missing, 0);
}

static void test_shell(void **state)
{
    CLEANUP_FREE char *page = read_text(PAGE_VBMC);
    struct part part = verb_part(page, "shell");
    unsigned missing = 0;

    (void)state;
    for (const struct cli_verb *const *command = cli_shell_commands(); *command; command++) {
        if (!has_item(part, ".Cm ", (*command)->name))
            missing += miss(PAGE_VBMC, "command of the shell:", (*command)->name);
    }
    assert_int_equal(missing, 0);
}

/* ---- the configuration ---- */

static const char *const sections[] = {
    [CONFIG_SECTION_DAEMON] = "daemon", [CONFIG_SECTION_HYPERVISOR] = "hypervisor",
    [CONFIG_SECTION_BMC] = "bmc",       [CONFIG_SECTION_SSH] = "ssh",
    [CONFIG_SECTION_USER] = "user",     [CONFIG_SECTION_FACILITY] = "facility",
    [CONFIG_SECTION_DOMAIN] = "domain",
};

static bool has_name(enum config_section section)
{
    return section == CONFIG_SECTION_HYPERVISOR || section == CONFIG_SECTION_USER ||
           section == CONFIG_SECTION_DOMAIN;
}

/* A line ";key = ..." or "key = ..." below "[section" or ";[section". */
static bool example_has(const char *example, const char *section, const char *key)
{
    char header[SECTION_SIZE + 2];
    bool is_in = false;

    snprintf(header, sizeof header, "[%s", section);
    for (const char *line = example; *line; line = next_line(line)) {
        const char *text = line + (*line == ';');
        if (*text == '[') {
            is_in = begins_with(text, header) && !is_part_of_word(text[strlen(header)]);
        } else if (is_in && begins_with(text, key)) {
            const char *behind = text + strlen(key);
            if (behind[strspn(behind, " ")] == '=')
                return true;
        }
    }
    return false;
}

static unsigned check_key(const struct config_key *key, const char *page, const char *example)
{
    char heading[64], what[64];
    const char *section = sections[key->section];
    unsigned missing = 0;

    snprintf(heading, sizeof heading, ".Ss [%s%s]", section, has_name(key->section) ? " NAME" : "");
    snprintf(what, sizeof what, "key in [%s]:", section);
    if (!has_item(section_of(page, heading), ".It Cm ", key->name))
        missing += miss(PAGE_CONFIG, what, key->name);
    if (!example_has(example, section, key->name))
        missing += miss(EXAMPLE, what, key->name);
    return missing;
}

static void test_keys(void **state)
{
    CLEANUP_FREE char *page = read_text(PAGE_CONFIG), *example = read_text(EXAMPLE);
    unsigned missing = 0;

    (void)state;
    for (size_t i = 0; i < config_key_count; i++)
        missing += check_key(&config_keys[i], page, example);
    assert_int_equal(missing, 0);
}

/* Decimal, without what says nothing. */
static const char *format_value(double value, char text[32])
{
    int length = snprintf(text, 32, "%.6f", value);

    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[--length] = '\0';
    return text;
}

/* A row is to stand there as a whole: what the error says is what to write. */
static void test_constants(void **state)
{
    CLEANUP_FREE char *page = read_text(PAGE_CONFIG);
    struct part part = section_of(page, ".Sh THE MODEL");
    char row[256], standard[32], least[32], most[32];
    unsigned missing = 0;

    (void)state;
    for (size_t i = 0; i < model_constant_count; i++) {
        const struct model_constant *constant = &model_constant_table[i];
        snprintf(row, sizeof row, ".It Cm %s Ta %s Ta %s to %s Ta %s Ta %s\n", constant->name,
                 format_value(constant->standard, standard), format_value(constant->least, least),
                 format_value(constant->most, most), constant->unit, constant->meaning);
        const char *at = strstr(part.begin, row);
        if (!at || at >= part.end)
            missing += miss(PAGE_CONFIG, "row", row);
    }
    assert_int_equal(missing, 0);
}

/* What the tests above look with finds what is there, and nothing else. */
static void test_looking(void **state)
{
    static const char page[] = ".Sh A\n.Ss [one]\n.It Cm port , kg-file\n.Ss [two]\n.It Cm kg\n"
                               ".Sh B\n.It Cm add Fl -port\n";
    static const char example[] = "; kg = no\n[one]\n;port = 1\n;[two x]\nkg-file  = a\n";

    (void)state;
    assert_true(has_item(section_of(page, ".Ss [one]"), ".It Cm ", "kg-file"));
    assert_false(has_item(section_of(page, ".Ss [one]"), ".It Cm ", "kg"));
    assert_true(has_item(section_of(page, ".Ss [two]"), ".It Cm ", "kg"));
    assert_false(has_item(section_of(page, ".Ss [two]"), ".It Cm ", "add"));
    assert_false(has_word(section_of(page, ".Ss [three]"), "kg"));
    assert_true(has_word(verb_part(page, "add"), "-port"));
    assert_true(verb_part(page, "delete").begin == verb_part(page, "delete").end);
    assert_true(has_word(whole("Fl -port"), "-port"));
    assert_false(has_word(whole("--import-port"), "-port"));
    assert_true(example_has(example, "one", "port"));
    assert_false(example_has(example, "one", "kg"));
    assert_true(example_has(example, "two", "kg-file"));
    assert_false(example_has(example, "tw", "kg-file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looking),   cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_shell),     cmocka_unit_test(test_keys),
        cmocka_unit_test(test_constants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
