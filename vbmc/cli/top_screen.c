#include "vbmc/cli/top_screen.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include "vbmc/base/array.h"

#define ESCAPE_DELAY_MS 50
#define HEAD_LINES      3 /* totals, trouble, titles */
#define FOOT_LINES      1

enum colour {
    COLOUR_GOOD = 1,
    COLOUR_WARNING,
    COLOUR_BAD,
};

/* Signals by which a program ends without its own doing. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};

/* A signal handler finds its terminal only by a static variable. */
static struct {
    SCREEN *screen;
    bool has_colours;
    struct termios saved;
    char way_back[256]; /* what the terminal is sent in the end */
    size_t way_back_size;
    volatile sig_atomic_t is_taken;
} top;

/* ---- life ---- */

/* Only what a signal handler may call, which ncurses' own functions are not. */
static void on_crash(int number)
{
    if (top.is_taken) {
        top.is_taken = 0;
        /* Nothing is to be done about a terminal that has gone. */
        if (write(STDOUT_FILENO, top.way_back, top.way_back_size) < 0)
            top.way_back_size = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &top.saved);
    }
    raise(number); /* as it would have been: the action is back to the default by now */
}

static void close_at_exit(void)
{
    cli_top_screen_close();
}

/* A sequence of the terminal without its padding, "$<5/>". */
static void add_sequence(const char *name)
{
    const char *sequence = tigetstr((char *)name);

    if (!sequence || sequence == (const char *)-1)
        return;
    for (; *sequence && top.way_back_size < sizeof top.way_back; sequence++) {
        if (sequence[0] == '$' && sequence[1] == '<' && strchr(sequence, '>'))
            sequence = strchr(sequence, '>');
        else
            top.way_back[top.way_back_size++] = *sequence;
    }
}

static void prepare_for_crashes(void)
{
    static const char *const sequences[] = {"sgr0", "rmkx", "cnorm", "rmcup"};
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_NODEFER};

    top.way_back_size = 0;
    for (size_t i = 0; i < ARRAY_SIZE(sequences); i++)
        add_sequence(sequences[i]);
    for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
        sigaction(crashes[i], &action, NULL);
}

/* Asked beforehand: a newterm that fails leaves memory behind. */
static bool can_place_cursor(void)
{
    int found;

    if (setupterm(NULL, STDOUT_FILENO, &found) != OK)
        return false;
    const char *place = tigetstr((char *)"cup");
    bool can = place && place != (const char *)-1;
    del_curterm(cur_term);
    return can;
}

static void set_up(bool colour)
{
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_DELAY_MS);
    curs_set(0);
    top.has_colours = colour && has_colors() && start_color() == OK;
    if (!top.has_colours)
        return;
    short background = use_default_colors() == OK ? -1 : COLOR_BLACK;
    init_pair(COLOUR_GOOD, COLOR_GREEN, background);
    init_pair(COLOUR_WARNING, COLOR_YELLOW, background);
    init_pair(COLOUR_BAD, COLOR_RED, background);
}

int cli_top_screen_open(bool colour)
{
    static bool has_exit_handler;

    if (tcgetattr(STDIN_FILENO, &top.saved) < 0 || !can_place_cursor())
        return -ENOTSUP;
    top.screen = newterm(NULL, stdout, stdin);
    if (!top.screen)
        return -ENOTSUP;
    if (!has_exit_handler)
        has_exit_handler = atexit(close_at_exit) == 0;
    set_up(colour);
    top.is_taken = 1;
    prepare_for_crashes();
    return 0;
}

void cli_top_screen_close(void)
{
    if (!top.screen)
        return;
    top.is_taken = 0;
    endwin();
    delscreen(top.screen);
    top.screen = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
        signal(crashes[i], SIG_DFL);
}

void cli_top_screen_leave(void)
{
    top.is_taken = 0;
    endwin();
}

void cli_top_screen_return(void)
{
    top.is_taken = 1;
    clearok(curscr, TRUE);
    refresh();
}

/* ---- drawing ---- */

static chtype colour_of(enum cli_top_severity severity)
{
    static const enum colour colours[] = {
        [CLI_TOP_OK] = COLOUR_GOOD,
        [CLI_TOP_WARNING] = COLOUR_WARNING,
        [CLI_TOP_CRITICAL] = COLOUR_BAD,
    };
    chtype weight = severity >= CLI_TOP_WARNING ? A_BOLD : A_NORMAL;

    if (!top.has_colours || severity == CLI_TOP_UNKNOWN)
        return weight;
    return weight | (chtype)COLOR_PAIR(colours[severity]);
}

static void put_at(int line, int column, const char *text, chtype attributes)
{
    attrset(attributes);
    mvaddstr(line, column, text);
    attrset(A_NORMAL);
}

static void put_line(int line, const char *text, chtype attributes)
{
    char fitted[CLI_TOP_TEXT_MAX];

    if (line < 0 || line >= LINES)
        return;
    cli_top_fit(text, (unsigned)COLS, false, fitted);
    put_at(line, 0, fitted, attributes);
}

static void put_titles(const struct cli_top_layout *layout, enum cli_top_sort sort)
{
    static const enum cli_top_column sorted[] = {
        [CLI_TOP_BY_NAME] = CLI_TOP_NAME,     [CLI_TOP_BY_CPU] = CLI_TOP_CPU,
        [CLI_TOP_BY_WATTS] = CLI_TOP_WATTS,   [CLI_TOP_BY_TEMPERATURE] = CLI_TOP_CPU_TEMP,
        [CLI_TOP_BY_HEALTH] = CLI_TOP_HEALTH,
    };
    char text[CLI_TOP_TEXT_MAX];
    int column = 0;

    put_line(HEAD_LINES - 1, "", A_REVERSE);
    for (unsigned i = 0; i < CLI_TOP_COLUMN_COUNT; i++) {
        if (!layout->widths[i])
            continue;
        cli_top_title_cell(layout, i, text);
        put_at(HEAD_LINES - 1, column, text,
               i == sorted[sort] ? A_REVERSE | A_BOLD | A_UNDERLINE : A_REVERSE);
        column += (int)layout->widths[i] + 1;
    }
}

static void put_row(int line, const struct cli_top_layout *layout, const struct cli_top_row *row,
                    bool is_old)
{
    char text[CLI_TOP_TEXT_MAX];
    int column = 0;

    for (unsigned i = 0; i < CLI_TOP_COLUMN_COUNT; i++) {
        if (!layout->widths[i])
            continue;
        chtype attributes = row->is_on ? A_NORMAL : A_DIM;
        if (i == CLI_TOP_HEALTH && !is_old)
            attributes = colour_of(row->severity);
        cli_top_cell(layout, row, i, text);
        put_at(line, column, text, is_old ? A_DIM : attributes);
        column += (int)layout->widths[i] + 1;
    }
}

static bool has_foot(void)
{
    return LINES > HEAD_LINES + FOOT_LINES + 1;
}

size_t cli_top_screen_page(void)
{
    int room = LINES - HEAD_LINES - (has_foot() ? FOOT_LINES : 0);

    return room > 1 ? (size_t)room : 1;
}

static void put_foot(const struct cli_top_view *view)
{
    char text[CLI_TOP_TEXT_MAX];
    size_t page = cli_top_screen_page(), last = view->first + page;
    bool is_all = view->rows->count <= page;

    if (!has_foot())
        return;
    int length = snprintf(text, sizeof text,
                          "q quit  sort: n name c cpu t temp w watts h health  r reverse");
    if (!is_all)
        snprintf(text + length, sizeof text - (size_t)length, "  %zu-%zu of %zu", view->first + 1,
                 last < view->rows->count ? last : view->rows->count, view->rows->count);
    put_line(LINES - 1, text, A_DIM);
}

void cli_top_screen_draw(struct cli_top_view *view)
{
    const struct cli_top_rows *rows = view->rows;
    struct cli_top_layout layout;
    char total[CLI_TOP_TEXT_MAX], text[CLI_TOP_TEXT_MAX + 64];
    size_t page = cli_top_screen_page();
    bool is_old = *view->trouble;

    if (rows->count <= page)
        view->first = 0;
    else if (view->first > rows->count - page)
        view->first = rows->count - page;
    cli_top_layout_make(&layout, rows, (unsigned)COLS);
    cli_top_rows_total(rows, total);
    snprintf(text, sizeof text, "vbmc top %s  %s", view->clock, total);
    erase();
    put_line(0, text, A_BOLD);
    put_line(1, view->trouble, colour_of(CLI_TOP_CRITICAL));
    if (LINES >= HEAD_LINES)
        put_titles(&layout, view->sort);
    for (size_t i = 0; i < page && view->first + i < rows->count; i++) {
        if (HEAD_LINES + (int)i < LINES)
            put_row(HEAD_LINES + (int)i, &layout, &rows->rows[view->first + i], is_old);
    }
    put_foot(view);
    refresh();
}

/* ---- keys ---- */

enum cli_top_key cli_top_screen_key(void)
{
    static const struct {
        int code;
        enum cli_top_key key;
    } keys[] = {
        {'q', CLI_TOP_KEY_QUIT},
        {'Q', CLI_TOP_KEY_QUIT},
        {' ', CLI_TOP_KEY_ASK},
        {'r', CLI_TOP_KEY_REVERSE},
        {KEY_UP, CLI_TOP_KEY_UP},
        {'k', CLI_TOP_KEY_UP},
        {KEY_DOWN, CLI_TOP_KEY_DOWN},
        {'j', CLI_TOP_KEY_DOWN},
        {KEY_PPAGE, CLI_TOP_KEY_PAGE_UP},
        {KEY_NPAGE, CLI_TOP_KEY_PAGE_DOWN},
        {KEY_HOME, CLI_TOP_KEY_HOME},
        {'g', CLI_TOP_KEY_HOME},
        {KEY_END, CLI_TOP_KEY_END},
        {'G', CLI_TOP_KEY_END},
        {'n', CLI_TOP_KEY_SORT + CLI_TOP_BY_NAME},
        {'c', CLI_TOP_KEY_SORT + CLI_TOP_BY_CPU},
        {'t', CLI_TOP_KEY_SORT + CLI_TOP_BY_TEMPERATURE},
        {'w', CLI_TOP_KEY_SORT + CLI_TOP_BY_WATTS},
        {'h', CLI_TOP_KEY_SORT + CLI_TOP_BY_HEALTH},
    };
    int code = getch();

    if (code == ERR)
        return CLI_TOP_KEY_NONE;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].code == code)
            return keys[i].key;
    }
    return CLI_TOP_KEY_OTHER;
}
