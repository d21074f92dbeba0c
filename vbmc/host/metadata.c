#include "vbmc/host/metadata.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/utf8.h"

static void free_tag(struct host_tag *tag)
{
    free(tag->key);
    free(tag->value);
}

void host_tags_free(struct host_tag *tags, size_t count)
{
    for (size_t i = 0; tags && i < count; i++)
        free_tag(&tags[i]);
    free(tags);
}

void host_metadata_free(struct host_metadata *metadata)
{
    if (!metadata)
        return;
    host_tags_free(metadata->tags, metadata->tag_count);
    host_tags_free(metadata->settings, metadata->setting_count);
    free(metadata->text);
    free(metadata);
}

bool host_metadata_is_same(const struct host_metadata *one, const struct host_metadata *other)
{
    return one && other ? strcmp(one->text, other->text) == 0 : one == other;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

const char *host_tag_key_problem(const char *key)
{
    size_t length = strlen(key);

    if (length == 0 || length > HOST_TAG_KEY_MAX)
        return "the key of a tag has 1 to 63 bytes";
    if (!is_letter_or_digit(key[0]))
        return "the key of a tag begins with a letter or a digit";
    for (size_t i = 0; i < length; i++) {
        if (!is_letter_or_digit(key[i]) && !strchr("._/-", key[i]))
            return "the key of a tag has letters, digits and . _ / - only";
    }
    return NULL;
}

const char *host_tag_value_problem(const char *value)
{
    size_t length = strlen(value);
    uint32_t character;

    if (length > HOST_TAG_VALUE_MAX)
        return "the value of a tag has at most 255 bytes";
    while (length) {
        size_t taken = utf8_next(value, length, &character);
        if (!utf8_is_harmless(character))
            return "the value of a tag is text in UTF-8 without control characters";
        value += taken;
        length -= taken;
    }
    return NULL;
}

static int copy_tag(struct host_tag *copy, const char *key, const char *value)
{
    *copy = (struct host_tag){strdup(key), value ? strdup(value) : NULL};
    if (copy->key && (copy->value || !value))
        return 0;
    free_tag(copy);
    return -ENOMEM;
}

struct host_tag *host_tags_copy(const struct host_tag *tags, size_t count)
{
    struct host_tag *copies = calloc(count + 1, sizeof *copies);

    for (size_t i = 0; copies && i < count; i++) {
        if (copy_tag(&copies[i], tags[i].key, tags[i].value) == 0)
            continue;
        host_tags_free(copies, i);
        return NULL;
    }
    return copies;
}

int host_tags_set(struct host_tag *tags, size_t *count, const char *key, const char *value)
{
    struct host_tag tag;
    size_t i = 0;

    while (i < *count && strcmp(tags[i].key, key) < 0)
        i++;
    bool is_there = i < *count && strcmp(tags[i].key, key) == 0;
    if (!is_there && *count == HOST_TAGS_MAX)
        return -ERANGE;
    if (copy_tag(&tag, key, value) < 0)
        return -ENOMEM;
    if (is_there) {
        free_tag(&tags[i]);
    } else {
        memmove(&tags[i + 1], &tags[i], (*count - i) * sizeof *tags);
        (*count)++;
    }
    tags[i] = tag;
    return 0;
}
