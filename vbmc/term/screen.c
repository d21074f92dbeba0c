#include "vbmc/term/screen.h"

#include <string.h>

#include "vbmc/base/array.h"

enum state { GROUND, ESCAPE, CHARSET, CONTROL, STRING, STRING_ESCAPE };

/* Modes that control sequences switch: CSI ? n h and l, without '?' for the marker 0. Sequences
 * that undo several entries at once stand with each of them and are sent once. */
static const struct mode {
    uint8_t marker;
    uint16_t number;
    bool is_on; /* in a terminal as it is found */
    const char *undo;
} modes[] = {
    {'?', 1049, false, "\033[?1049l"}, {'?', 1047, false, "\033[?1047l"},
    {'?', 47, false, "\033[?47l"},     {'?', 6, false, "\033[r\033[?6l\033[999H"},
    {'?', 1, false, "\033[?1l"},       {'?', 5, false, "\033[?5l"},
    {'?', 7, true, "\033[?7h"},        {'?', 9, false, "\033[?9l"},
    {'?', 25, true, "\033[?25h"},      {'?', 1000, false, "\033[?1000l"},
    {'?', 1001, false, "\033[?1001l"}, {'?', 1002, false, "\033[?1002l"},
    {'?', 1003, false, "\033[?1003l"}, {'?', 1004, false, "\033[?1004l"},
    {'?', 1005, false, "\033[?1005l"}, {'?', 1006, false, "\033[?1006l"},
    {'?', 1015, false, "\033[?1015l"}, {'?', 2004, false, "\033[?2004l"},
    {0, 4, false, "\033[4l"},          {0, 20, false, "\033[20l"},
};

/* What other sequences change; the bits follow those of the modes. */
enum other {
    MARGINS = ARRAY_SIZE(modes),
    KEYPAD,
    SHIFT,
    CHARACTERS,
    KEYS,
    CURSOR,
    OTHERS_END,
};

/* Counted from MARGINS. */
static const char *const others[] = {
    [0] = "\033[r\033[999H", /* both move the cursor home; better to the bottom */
    [KEYPAD - MARGINS] = "\033>",
    [SHIFT - MARGINS] = "\017",
    [CHARACTERS - MARGINS] = "\033(B\033)B",
    [KEYS - MARGINS] = "\033[>4;0m",
    [CURSOR - MARGINS] = "\033[0 q",
};

_Static_assert(OTHERS_END <= 32, "the bits of struct cli_screen");

static void mark(struct cli_screen *screen, unsigned bit, bool changed)
{
    if (changed)
        screen->changed |= UINT32_C(1) << bit;
    else
        screen->changed &= ~(UINT32_C(1) << bit);
}

static void switch_modes(struct cli_screen *screen, bool on)
{
    for (unsigned i = 0; i <= screen->parameter && i < CLI_SCREEN_PARAMETERS_MAX; i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(modes); j++) {
            if (modes[j].marker == screen->marker && modes[j].number == screen->parameters[i])
                mark(screen, j, on != modes[j].is_on);
        }
    }
}

/* The final byte of a control sequence. */
static void end_control(struct cli_screen *screen, uint8_t final)
{
    const uint16_t *parameters = screen->parameters;

    screen->state = GROUND;
    if ((final == 'h' || final == 'l') && !screen->middle)
        switch_modes(screen, final == 'h');
    else if (final == 'r' && !screen->marker)
        mark(screen, MARGINS, parameters[0] > 1 || parameters[1] > 0);
    else if (final == 'm' && screen->marker == '>' && parameters[0] == 4)
        mark(screen, KEYS, parameters[1] != 0);
    else if (final == 'q' && screen->middle == ' ')
        mark(screen, CURSOR, parameters[0] != 0);
    if (strchr("ABCDEFGHdf`r", final) && !screen->marker)
        screen->in_line = true;
}

static void begin_control(struct cli_screen *screen)
{
    screen->state = CONTROL;
    screen->marker = screen->middle = screen->parameter = 0;
    memset(screen->parameters, 0, sizeof screen->parameters);
}

static void feed_control(struct cli_screen *screen, uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        if (screen->parameter < CLI_SCREEN_PARAMETERS_MAX) {
            unsigned value = screen->parameters[screen->parameter] * 10U + (byte - '0');
            screen->parameters[screen->parameter] = value > UINT16_MAX ? UINT16_MAX : value;
        }
    } else if (byte == ';' || byte == ':') {
        if (screen->parameter < CLI_SCREEN_PARAMETERS_MAX)
            screen->parameter++;
    } else if (byte >= 0x3c && byte <= 0x3f) {
        screen->marker = byte;
    } else if (byte >= 0x20 && byte <= 0x2f) {
        screen->middle = byte;
    } else if (byte >= 0x40 && byte <= 0x7e) {
        end_control(screen, byte);
    }
}

static void feed_escape(struct cli_screen *screen, uint8_t byte)
{
    screen->state = GROUND;
    switch (byte) {
    case '[':
        begin_control(screen);
        break;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
        screen->state = STRING;
        break;
    case '(':
    case ')':
        screen->state = CHARSET;
        break;
    case '=':
    case '>':
        mark(screen, KEYPAD, byte == '=');
        break;
    case '7':
    case '\\':
        break;
    case 'c': /* a full reset by the guest */
        *screen = (struct cli_screen){.is_dirty = true};
        break;
    default:
        screen->in_line = true;
    }
}

static void feed_ground(struct cli_screen *screen, uint8_t byte)
{
    if (byte >= 0x20 || byte == '\t')
        screen->in_line = true;
    else if (byte == '\n' || byte == '\r')
        screen->in_line = false;
    else if (byte == 0x0e || byte == 0x0f)
        mark(screen, SHIFT, byte == 0x0e);
}

void cli_screen_feed(struct cli_screen *screen, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = bytes[i];
        if (byte == 0x1b) {
            screen->state = screen->state == STRING ? STRING_ESCAPE : ESCAPE;
            screen->is_dirty = true;
            continue;
        }
        if (byte == 0x18 || byte == 0x1a) { /* CAN and SUB end any sequence */
            screen->state = GROUND;
            continue;
        }
        switch ((enum state)screen->state) {
        case GROUND:
            feed_ground(screen, byte);
            break;
        case ESCAPE:
            feed_escape(screen, byte);
            break;
        case CHARSET:
            mark(screen, CHARACTERS, byte != 'B');
            screen->state = GROUND;
            break;
        case CONTROL:
            feed_control(screen, byte);
            break;
        case STRING:
            if (byte == 0x07)
                screen->state = GROUND;
            break;
        case STRING_ESCAPE: /* ESC \ ends it, any other sequence as well */
            feed_escape(screen, byte);
            break;
        }
    }
}

static size_t put(char *bytes, size_t used, const char *text)
{
    size_t size = strlen(text);

    if (size > CLI_SCREEN_RESET_MAX - used)
        return used;
    memcpy(bytes + used, text, size);
    return used + size;
}

size_t cli_screen_reset(const struct cli_screen *screen, char bytes[CLI_SCREEN_RESET_MAX])
{
    size_t used = 0;

    if (screen->state != GROUND)
        used = put(bytes, used, "\030"); /* ends what was cut off */
    for (unsigned i = 0; i < OTHERS_END; i++) {
        if (screen->changed & UINT32_C(1) << i)
            used = put(bytes, used, i < MARGINS ? modes[i].undo : others[i - MARGINS]);
    }
    if (screen->is_dirty)
        used = put(bytes, used, "\033[0m");
    return used;
}
