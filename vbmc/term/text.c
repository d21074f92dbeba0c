#include "vbmc/term/text.h"

#include <locale.h>
#include <string.h>
#include <wchar.h>

#include "vbmc/base/utf8.h"

#define INVALID 0xfffd

void cli_text_init(void)
{
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "");
}

struct cli_text_char cli_text_next(const char *text, const char *end)
{
    mbstate_t state = {0};
    wchar_t wide;

    if (text == end)
        return (struct cli_text_char){0};
    if (*text == '\0')
        return (struct cli_text_char){.bytes = 1, .width = 1};
    if (*text >= ' ' && *text <= '~') /* as what follows has it, which takes ten times as long */
        return (struct cli_text_char){
            .bytes = 1, .width = 1, .printable = true, .code = (unsigned char)*text};
    size_t bytes = mbrtowc(&wide, text, (size_t)(end - text), &state);
    if (bytes == (size_t)-1 || bytes == (size_t)-2)
        return (struct cli_text_char){.bytes = 1, .width = 1, .code = INVALID};
    int width = wcwidth(wide);
    return (struct cli_text_char){
        .bytes = bytes,
        .width = width < 0 ? 1 : (unsigned)width,
        .printable = width >= 0 && utf8_is_harmless((uint32_t)wide),
        .code = (unsigned)wide,
    };
}

size_t cli_text_width(const char *text, const char *end)
{
    struct cli_text_char next;
    size_t width = 0;

    for (; (next = cli_text_next(text, end)).bytes; text += next.bytes)
        width += next.width;
    return width;
}

void cli_text_print(const char *text, const char *end, FILE *out)
{
    const char *begin = text; /* of what is printable and not written yet */
    struct cli_text_char next;

    for (; (next = cli_text_next(text, end)).bytes; text += next.bytes) {
        if (next.printable)
            continue;
        fwrite(begin, 1, (size_t)(text - begin), out);
        fputc('?', out);
        begin = text + next.bytes;
    }
    fwrite(begin, 1, (size_t)(text - begin), out);
}
