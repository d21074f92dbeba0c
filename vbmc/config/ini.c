#include "vbmc/config/ini.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"

/* libinih pulls lines through next_line() and pushes keys through take_key(). A line goes to
 * libinih only after check_line() found nothing in it that would be read differently from how it
 * looks. */
struct ini {
    const char *name;
    enum ini_dialect dialect;
    ini_entry_fn take;
    void *context;
    char *error;
    size_t error_size;
    int result;

    const char *rest; /* what is not read yet */
    size_t rest_size;
    unsigned line;
    char section[INI_SECTION_MAX + 1];
    bool in_section;
    bool expects_key; /* the line in hand has to come back through take_key */
    bool is_ambiguous;
    bool has_key;  /* a key was seen in this section ... */
    size_t indent; /* ... and stood this far in */
};

static const char blanks[] = " \t\v\f\r";

static int fail(struct ini *ini, int result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct ini *ini, int result, const char *format, ...)
{
    va_list arguments;
    int used = snprintf(ini->error, ini->error_size, "%s:%u: ", ini->name, ini->line);

    if (used > 0 && (size_t)used < ini->error_size) {
        va_start(arguments, format);
        vsnprintf(ini->error + used, ini->error_size - (size_t)used, format, arguments);
        va_end(arguments);
    }
    ini->result = result;
    return result;
}

static int call(struct ini *ini, const char *key, const char *value)
{
    struct ini_entry entry = {
        .line = ini->line,
        .section = ini->section,
        .key = key,
        .value = value,
        .is_ambiguous = ini->is_ambiguous,
    };

    ini->result = ini->take(ini->context, &entry, ini->error, ini->error_size);
    return ini->result;
}

/* `text` is a line that begins with '['. */
static int check_header(struct ini *ini, const char *text, size_t size)
{
    const char *end = memchr(text, ']', size);

    if (!end)
        return fail(ini, -EINVAL, "a section header has no ]; it is written [SECTION]");
    const char *after = end + 1;
    while (after < text + size && strchr(blanks, *after))
        after++;
    if (after < text + size && (after == end + 1 || (*after != ';' && *after != '#')))
        return fail(ini, -EINVAL, "there is text behind the section header's ]");
    text++;
    while (text < end && strchr(blanks, *text))
        text++;
    while (end > text && strchr(blanks, end[-1]))
        end--;
    if (end == text)
        return fail(ini, -EINVAL, "a section header without a name; it is written [SECTION]");
    if ((size_t)(end - text) > INI_SECTION_MAX)
        return fail(ini, -EINVAL,
                    "a section name is at most %d bytes (a domain with a longer name is "
                    "written by its UUID)",
                    INI_SECTION_MAX);
    if (ini->dialect == INI_DIALECT_OWN && memmem(text, (size_t)(end - text), " ;", 2))
        return fail(ini, -EINVAL, "a section name cannot hold \" ;\"");
    memcpy(ini->section, text, (size_t)(end - text));
    ini->section[end - text] = '\0';
    ini->in_section = true;
    ini->has_key = false;
    ini->is_ambiguous = false;
    return call(ini, NULL, NULL);
}

/* True if a blank with ';' or '#' behind it stands after the first '=' or ':'. */
static bool value_is_ambiguous(const char *text, size_t size)
{
    size_t i = 0;

    while (i < size && text[i] != '=' && text[i] != ':')
        i++;
    for (i++; i + 1 < size; i++) {
        if (strchr(blanks, text[i]) && (text[i + 1] == ';' || text[i + 1] == '#'))
            return true;
    }
    return false;
}

/* Everything that libinih would take for something else than it looks like. Indentation follows
 * configparser: deeper than the key above continues its value, which we refuse. */
static int check_line(struct ini *ini, const char *line, size_t size, size_t indent, size_t limit)
{
    const char *text = line + indent;

    if (memchr(line, '\0', size))
        return fail(ini, -EINVAL, "the line holds a NUL byte; this is to be a text file");
    if (indent == size || *text == ';' || *text == '#')
        return 0;
    if (size - indent > limit)
        return fail(ini, -EINVAL, "the line is too long: at most %zu bytes", limit);
    if (ini->has_key && indent > ini->indent)
        return fail(ini, -EINVAL,
                    "the line is indented, which would continue the one above; keys begin at the "
                    "start of a line");
    if (*text == '[')
        return check_header(ini, text, size - indent);
    if (!ini->in_section)
        return fail(ini, -EINVAL, "a key stands before the first section; write [SECTION] above");
    ini->has_key = true;
    ini->indent = indent;
    ini->expects_key = true;
    ini->is_ambiguous = ini->dialect == INI_DIALECT_OWN && value_is_ambiguous(text, size - indent);
    return 0;
}

/* libinih drops a line without '=' and goes on; we notice that no key came of it. */
static int check_last_line_taken(struct ini *ini)
{
    if (!ini->expects_key)
        return 0;
    ini->expects_key = false;
    return fail(ini, -EINVAL, "neither a [SECTION] nor KEY = VALUE");
}

/* The ini_reader: one line without its end, comments and blank lines as empty ones. */
static char *next_line(char *to, int to_size, void *stream)
{
    struct ini *ini = stream;

    if (ini->result < 0 || check_last_line_taken(ini) < 0 || ini->rest_size == 0)
        return NULL;
    const char *line = ini->rest, *end = memchr(line, '\n', ini->rest_size);
    size_t size = end ? (size_t)(end - line) : ini->rest_size, indent = 0;
    ini->rest += size + (end ? 1 : 0);
    ini->rest_size -= size + (end ? 1 : 0);
    ini->line++;

    while (size > 0 && strchr(blanks, line[size - 1]) && line[size - 1] != '\0')
        size--;
    while (indent < size && strchr(blanks, line[indent]) && line[indent] != '\0')
        indent++;
    if (check_line(ini, line, size, indent, (size_t)to_size - 1) < 0)
        return NULL;
    size = ini->expects_key || (indent < size && line[indent] == '[') ? size - indent : 0;
    memcpy(to, line + indent, size);
    to[size] = '\0';
    return to;
}

/* The ini_handler; libinih wants nonzero for success. */
static int take_key(void *user, const char *section, const char *key, const char *value)
{
    struct ini *ini = user;

    (void)section; /* ours has no outer blanks */
    if (ini->result < 0)
        return 0;
    ini->expects_key = false;
    if (*key == '\0') {
        fail(ini, -EINVAL, "there is no key before the '='");
        return 0;
    }
    return call(ini, key, value) == 0;
}

static int read_whole_file(struct ini *ini, int fd, char *text, size_t *size)
{
    *size = 0;
    while (*size <= INI_FILE_MAX) {
        ssize_t got = read(fd, text + *size, INI_FILE_MAX + 1 - *size);
        if (got == 0)
            return 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int result = -errno;
            snprintf(ini->error, ini->error_size, "%s: %s", ini->name, strerror(-result));
            return result;
        }
        *size += (size_t)got;
    }
    snprintf(ini->error, ini->error_size, "%s: a configuration file is at most %d bytes", ini->name,
             INI_FILE_MAX);
    return -EFBIG;
}

int ini_load(int fd, const char *name, enum ini_dialect dialect, ini_entry_fn take, void *context,
             char *error, size_t error_size)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    CLEANUP_FREE char *text = malloc(INI_FILE_MAX + 1);
    struct ini ini = {
        .name = name,
        .dialect = dialect,
        .take = take,
        .context = context,
        .error = error,
        .error_size = error_size,
        .rest = text,
    };

    if (!text) {
        snprintf(error, error_size, "%s: %s", name, strerror(ENOMEM));
        return -ENOMEM;
    }
    size_t size;
    int result = read_whole_file(&ini, fd, text, &size);
    if (result == 0) {
        ini.rest_size = size;
        if (size >= 3 && memcmp(text, byte_order_mark, 3) == 0) {
            ini.rest += 3;
            ini.rest_size -= 3;
        }
        bool saved = ini_allow_inline_comments;
        ini_allow_inline_comments = dialect == INI_DIALECT_OWN;
        int status = ini_parse_stream(next_line, &ini, take_key, &ini);
        ini_allow_inline_comments = saved;
        if (status != 0 && ini.result == 0) /* no such case is known */
            fail(&ini, -EINVAL, "libinih refuses line %d", status);
        result = ini.result;
    }
    explicit_bzero(text, size);
    return result;
}
