#include "vbmc/cli/shell_edit.h"

/* The shell at a terminal: prompt, line editing, completion, all by libedit. */
#include <errno.h>
#include <histedit.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termcap.h>
#include <unistd.h>
#include <wchar.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/version.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/client.h"
#include "vbmc/cli/shell_commands.h"
#include "vbmc/term/text.h"

#define HISTORY_MAX 200
#define WORD_MAX    256

static volatile sig_atomic_t interrupted; /* set by SIGINT */

/* ---- completion ---- */

static void add_word(struct json_object *words, const char *word, size_t length)
{
    if (length < WORD_MAX)
        json_object_array_add(words, json_object_new_string_len(word, (int)length));
}

static void add_command_names(struct json_object *words)
{
    for (const struct cli_verb *const *command = cli_shell_commands(); *command; command++)
        add_word(words, (*command)->name, strlen((*command)->name));
}

/* The words that a command takes behind NAME, from its usage: "NAME [on|off|...]". */
static void add_operands(struct json_object *words, const struct cli_verb *command)
{
    const char *text = command->arguments + strlen("NAME");

    text += strspn(text, " [");
    while (*text) {
        size_t length = strcspn(text, "|]");
        add_word(words, text, length);
        text += length;
        text += strspn(text, "|]");
    }
}

static void add_bmcs(struct json_object *words, const struct shell *shell,
                     const struct cli_verb *command)
{
    struct json_object *bmcs = cli_shell_bmcs(shell);
    size_t count = bmcs ? json_object_array_length(bmcs) : 0;

    for (size_t i = 0; i < count; i++)
        json_object_array_add(words, json_object_get(json_object_array_get_idx(bmcs, i)));
    json_object_put(bmcs);
    if (count == 1)
        add_operands(words, command);
}

static void add_options(struct json_object *words, const struct cli_verb *command)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return;
    cli_options_print_names(command->groups | CLI_GROUP_COMMON, out);
    fclose(out);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        add_word(words, line, strcspn(line, "\n"));
}

/* All words that may stand at a place of a command line. */
static struct json_object *candidates(const struct shell *shell, const char *first, unsigned place,
                                      bool is_option)
{
    struct json_object *words = json_object_new_array();
    const struct cli_verb *command = place ? cli_shell_find(first) : NULL;
    bool of_help = command && strcmp(command->name, "help") == 0;

    if (place == 0 || (of_help && place == 1))
        add_command_names(words);
    else if (!command)
        return words;
    else if (is_option)
        add_options(words, command);
    else if (cli_shell_takes_name(command) && place == 1)
        add_bmcs(words, shell, command);
    else if (cli_shell_takes_name(command) && place == 2)
        add_operands(words, command);
    return words;
}

/* Leaves those that begin with `prefix`. Returns how many bytes they all begin with. */
static size_t keep_fitting(struct json_object *words, const char *prefix)
{
    size_t shared = 0, length = strlen(prefix);
    const char *first = NULL;

    for (size_t i = json_object_array_length(words); i-- > 0;) {
        const char *word = json_object_get_string(json_object_array_get_idx(words, i));
        if (strncmp(word, prefix, length) != 0) {
            json_object_array_del_idx(words, i, 1);
            continue;
        }
        size_t same = 0;
        while (first && same < shared && word[same] == first[same])
            same++;
        shared = first ? same : strlen(word);
        first = first ? first : word;
    }
    return shared;
}

static void print_words(struct json_object *words)
{
    putchar('\n');
    for (size_t i = 0; i < json_object_array_length(words); i++) {
        const char *word = json_object_get_string(json_object_array_get_idx(words, i));
        cli_text_print(word, word + strlen(word), stdout);
        fputs("  ", stdout);
    }
    putchar('\n');
}

/* Names of domains may hold what separates or quotes words. */
static void insert(EditLine *edit, const char *text, size_t length)
{
    char quoted[2 * WORD_MAX + 1];
    size_t used = 0;

    for (size_t i = 0; i < length && i < WORD_MAX; i++) {
        if (strchr(" \t'\"\\", text[i]))
            quoted[used++] = '\\';
        quoted[used++] = text[i];
    }
    quoted[used] = '\0';
    if (used)
        el_insertstr(edit, quoted);
}

static unsigned char complete_word(EditLine *edit, const char *word, struct json_object *words)
{
    size_t shared = keep_fitting(words, word), length = strlen(word);
    size_t count = json_object_array_length(words);

    if (count == 0)
        return CC_ERROR;
    const char *first = json_object_get_string(json_object_array_get_idx(words, 0));
    insert(edit, first + length, shared - length);
    if (count == 1) {
        el_insertstr(edit, " ");
        return CC_REFRESH;
    }
    if (shared > length)
        return CC_REFRESH;
    print_words(words);
    return CC_REDISPLAY;
}

/* The Tab key. */
static unsigned char complete(EditLine *edit, int key)
{
    const LineInfo *line = el_line(edit);
    char text[1024], *rest = NULL, *word = text, *first = NULL;
    size_t size = (size_t)(line->cursor - line->buffer);
    unsigned place = 0;
    struct shell *shell;

    (void)key;
    if (size >= sizeof text || el_get(edit, EL_CLIENTDATA, &shell) != 0)
        return CC_ERROR;
    memcpy(text, line->buffer, size);
    text[size] = '\0';
    const char *blank = strrchr(text, ' ');
    word = blank ? text + (blank - text) : text + size;
    if (blank)
        *word++ = '\0';
    else
        word = text;
    if (blank) {
        for (char *next = strtok_r(text, " ", &rest); next; next = strtok_r(NULL, " ", &rest)) {
            first = first ? first : next;
            place += *next != '-';
        }
    }
    struct json_object *words = candidates(shell, first, place, *word == '-');
    unsigned char result = complete_word(edit, word, words);
    json_object_put(words);
    return result;
}

/* ---- lines ---- */

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* libedit's own goes on after a signal; Ctrl-C is to end the line. */
static int read_character(EditLine *edit, wchar_t *character)
{
    mbstate_t state = {0};
    char byte;

    (void)edit;
    for (;;) {
        if (interrupted)
            return -1;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        size_t used = mbrtowc(character, &byte, 1, &state);
        if (used == (size_t)-1)
            state = (mbstate_t){0}; /* no UTF-8: dropped */
        else if (used != (size_t)-2)
            return 1;
    }
}

static char *prompt(EditLine *edit)
{
    static char text[] = "vbmc> ";

    (void)edit;
    return text;
}

static void greet(void)
{
    const char *account = getenv("VBMC_ACCOUNT");

    fputs("vbmc " VBMC_VERSION, stdout);
    if (account && *account) {
        fputs(", you are ", stdout);
        cli_text_print(account, account + strlen(account), stdout);
    }
    puts(". 'help' lists the commands.");
}

/* libedit's own command line (M-x) could bind vi-histedit, which starts an editor, and that any
 * program: for who is to have this shell and no other. No key is left that leads there; who has
 * come by SSH could not start one either, see shell.c. */
static void unbind_commands(EditLine *edit)
{
    static const char *const keys[] = {"\033x", "\033X", "\370"};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        el_set(edit, EL_BIND, keys[i], "ed-unassigned", NULL);
}

static EditLine *new_edit(struct shell *shell, History *history_of_lines)
{
    HistEvent event;
    EditLine *edit = el_init("vbmc", stdin, stdout, stderr);

    if (!edit)
        return NULL;
    history(history_of_lines, &event, H_SETSIZE, HISTORY_MAX);
    history(history_of_lines, &event, H_SETUNIQUE, 1);
    el_set(edit, EL_CLIENTDATA, shell);
    el_set(edit, EL_GETCFN, read_character);
    el_set(edit, EL_PROMPT, prompt);
    el_set(edit, EL_EDITOR, "emacs");
    unbind_commands(edit);
    el_set(edit, EL_SIGNAL, 1); /* also the size of the window */
    el_set(edit, EL_HIST, history, history_of_lines);
    /* Its like for narrow strings makes copies that nobody frees. */
    el_wset(edit, EL_ADDFN, L"vbmc-complete", L"complete a word", complete);
    el_set(edit, EL_BIND, "^I", "vbmc-complete", NULL);
    return edit;
}

static void run_edited_line(struct shell *shell, History *history_of_lines, const char *line)
{
    HistEvent event;
    CLEANUP_FREE char *copy = strdup(line);

    if (!copy || strspn(line, " \t\r\n") == strlen(line))
        return;
    if (!strstr(copy, "--pass")) /* a password is not to be shown again */
        history(history_of_lines, &event, H_ENTER, line);
    cli_shell_run_line(shell, copy);
}

static void read_lines(struct shell *shell, EditLine *edit, History *history_of_lines)
{
    while (!shell->is_over) {
        int count = 0;
        interrupted = 0;
        const char *line = el_gets(edit, &count);
        if (interrupted) {
            putchar('\n');
            el_reset(edit);
            continue;
        }
        if (!line || count <= 0) {
            putchar('\n');
            return;
        }
        run_edited_line(shell, history_of_lines, line);
    }
}

/* ncurses keeps what it has read of a terminal for as long as it is asked for the same one. */
void cli_shell_edit_prepare(void)
{
    const char *name = getenv("TERM");

    if (name && isatty(STDOUT_FILENO))
        tgetent(NULL, name);
}

void cli_shell_edit(struct shell *shell)
{
    struct sigaction action = {.sa_handler = on_interrupt}, old;
    History *history_of_lines = history_init();
    EditLine *edit = history_of_lines ? new_edit(shell, history_of_lines) : NULL;

    if (edit) {
        sigaction(SIGINT, &action, &old); /* without SA_RESTART: read returns */
        cli_client_watch_interrupts(&interrupted);
        greet();
        read_lines(shell, edit, history_of_lines);
        cli_client_watch_interrupts(NULL);
        sigaction(SIGINT, &old, NULL);
        el_end(edit);
    } else {
        shell->status = CLI_EXIT_FAILED;
    }
    if (history_of_lines)
        history_end(history_of_lines);
}
