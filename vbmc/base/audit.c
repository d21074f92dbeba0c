#include "vbmc/base/audit.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_SYSTEMD
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>
#endif

#include "vbmc/base/array.h"
#include "vbmc/base/json.h"
#include "vbmc/base/utf8.h"
#include "vbmc/base/wall_clock.h"

#define TIME_SIZE      32
#define TEXT_SIZE      1024
#define FIELDS_MAX     24
#define FIELD_SIZE     512
#define IDENTIFIER     "SYSLOG_IDENTIFIER=vbmcd"
#define JOURNAL_KEY    "VBMC_"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static struct {
    audit_keep *keep;
    void *context;
} keeper;

void audit_keep_by(audit_keep *keep, void *context)
{
    keeper.keep = keep;
    keeper.context = context;
}

bool audit_is_kept(void)
{
    return keeper.keep != NULL;
}

static void clean_record(struct audit_record *record)
{
    char *const texts[] = {record->bmc, record->operation, record->detail,    record->user,
                           record->way, record->address,   record->privilege, record->outcome};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        utf8_make_harmless(texts[i]);
}

void audit_put(const struct audit_record *record, audit_done *done, void *context)
{
    struct audit_record copy = *record;

    clean_record(&copy);
    if (copy.time_ms == 0)
        copy.time_ms = wall_clock_ms();
    if (keeper.keep) {
        keeper.keep(keeper.context, &copy, done, context);
        return;
    }
    int result = audit_log(&copy, LOG_LEVEL_INFO);
    if (done)
        done(context, result == -ECANCELED ? 0 : result);
}

void audit_put_login(const struct audit_login *login)
{
    struct audit_record record = {
        .kind = AUDIT_ACCESS,
        .is_summed = true,
        .is_in_log = true,
        .operation = "log-in",
        .has_bmc = login->uuid != NULL,
        .result = login->refused ? -EACCES : 0,
        .more = login->more,
    };

    if (!keeper.keep)
        return;
    if (login->uuid)
        record.uuid = *login->uuid;
    snprintf(record.bmc, sizeof record.bmc, "%s", login->bmc);
    snprintf(record.detail, sizeof record.detail, "%s", login->how);
    snprintf(record.user, sizeof record.user, "%s", login->user);
    snprintf(record.way, sizeof record.way, "%s", login->way);
    endpoint_address_format_host(login->remote, record.address);
    snprintf(record.outcome, sizeof record.outcome, "%s%s", login->refused ? "refused: " : "done",
             login->refused ? login->refused : "");
    audit_put(&record, NULL, NULL);
}

/* ---- JSON ---- */

static void format_time(int64_t time_ms, char text[TIME_SIZE])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    size_t used = strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + used, TIME_SIZE - used, ".%03dZ", (int)(time_ms % 1000));
}

static int add_text(struct json_object *object, const char *key, const char *text)
{
    return text[0] ? qmp_json_add(object, key, json_object_new_string(text)) : 0;
}

static int add_number(struct json_object *object, const char *key, int64_t number)
{
    return number ? qmp_json_add(object, key, json_object_new_int64(number)) : 0;
}

static int add_who(struct json_object *object, const struct audit_record *record)
{
    int result = add_text(object, "user", record->user);

    result |= add_text(object, "way", record->way);
    result |= add_text(object, "address", record->address);
    result |= add_number(object, "pid", record->pid);
    result |= add_number(object, "session", record->session);
    return result | add_text(object, "privilege", record->privilege);
}

static int add_outcome(struct json_object *object, const struct audit_record *record)
{
    char until[TIME_SIZE] = "";
    int result = add_text(object, "outcome", record->outcome);

    if (record->more > 0)
        format_time(record->until_ms, until);
    result |= qmp_json_add(object, "result", json_object_new_int(record->result));
    result |= add_number(object, "more", record->more);
    return result | add_text(object, "until", until);
}

struct json_object *audit_json(const struct audit_record *record)
{
    CLEANUP_JSON struct json_object *object = json_object_new_object();
    char time[TIME_SIZE], uuid[UUID_TEXT_SIZE] = "";

    if (!object)
        return NULL;
    format_time(record->time_ms, time);
    if (record->has_bmc)
        uuid_format(&record->uuid, uuid);
    int result = add_number(object, "id", (int64_t)record->id);
    result |= add_text(object, "time", time);
    result |= add_text(object, "kind", record->kind == AUDIT_CHANGE ? "change" : "access");
    result |= add_text(object, "bmc", record->bmc);
    result |= add_text(object, "uuid", uuid);
    result |= add_text(object, "operation", record->operation);
    result |= add_text(object, "detail", record->detail);
    result |= add_who(object, record);
    result |= add_outcome(object, record);
    return result ? NULL : cleanup_steal_pointer(&object);
}

/* ---- the log ---- */

/* NAME: OPERATION DETAIL by WHO by WAY from WHERE, pid N: OUTCOME (N more) */
static void format_sentence(const struct audit_record *record, char text[TEXT_SIZE])
{
    const char *name = record->bmc[0] ? record->bmc : "vbmcd";
    char pid[32] = "", more[40] = "", who[160];

    if (strcmp(record->way, "in-band") == 0)
        snprintf(who, sizeof who, "the guest");
    else
        snprintf(who, sizeof who, "%s%s%s%s%s", record->user[0] ? record->user : "nobody",
                 strcmp(record->way, "vbmc") == 0 ? "" : " by ",
                 strcmp(record->way, "vbmc") == 0 ? "" : record->way,
                 record->address[0] ? " from " : "", record->address);
    if (record->pid > 0)
        snprintf(pid, sizeof pid, ", pid %lld", (long long)record->pid);
    if (record->more > 0)
        snprintf(more, sizeof more, " (%u more)", record->more);
    snprintf(text, TEXT_SIZE, "%s: %s%s%s by %s%s: %s%s", name, record->operation,
             record->detail[0] ? " " : "", record->detail, who, pid, record->outcome, more);
}

#ifdef HAVE_SYSTEMD
/* 0, or a negative error: no journal listens. */
static int write_to_journal(struct json_object *object, const char *sentence, int priority)
{
    char fields[FIELDS_MAX][FIELD_SIZE], message[TEXT_SIZE + 16];
    struct iovec parts[FIELDS_MAX + 3];
    unsigned count = 0;

    if (access(JOURNAL_SOCKET, F_OK) < 0) /* of which sd_journal_sendv says nothing */
        return -errno;
    json_object_object_foreach(object, key, value)
    {
        size_t start = strlen(JOURNAL_KEY);
        if (count == FIELDS_MAX)
            break;
        snprintf(fields[count], FIELD_SIZE, "%s%s=%s", JOURNAL_KEY, key,
                 json_object_get_string(value));
        for (char *p = fields[count] + start; *p && *p != '='; p++)
            *p = (char)toupper((unsigned char)*p);
        parts[count] = (struct iovec){fields[count], strlen(fields[count])};
        count++;
    }
    snprintf(message, sizeof message, "MESSAGE=%s", sentence);
    parts[count++] = (struct iovec){message, strlen(message)};
    char level[] = "PRIORITY=0", identifier[] = IDENTIFIER;
    level[sizeof level - 2] = (char)('0' + priority);
    parts[count++] = (struct iovec){level, sizeof level - 1};
    parts[count++] = (struct iovec){identifier, sizeof identifier - 1};
    return sd_journal_sendv(parts, (int)count);
}
#else
static int write_to_journal(struct json_object *object, const char *sentence, int priority)
{
    (void)object;
    (void)sentence;
    (void)priority;
    return -ENOSYS;
}
#endif

int audit_log(const struct audit_record *record, enum log_level level)
{
    CLEANUP_JSON struct json_object *object = audit_json(record);
    char sentence[TEXT_SIZE];

    if (level > log_get_level())
        return -ECANCELED;
    if (!object)
        return -ENOMEM;
    format_sentence(record, sentence);
    if (log_get_target() == LOG_TARGET_JOURNAL &&
        write_to_journal(object, sentence, log_priority(level)) == 0)
        return 0;
    const char *json = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE);
    size_t size = strlen(sentence) + strlen(json) + sizeof " audit ";
    CLEANUP_FREE char *line = malloc(size);
    if (!line)
        return -ENOMEM;
    snprintf(line, size, "%s audit %s", sentence, json);
    return log_write_line(level, line);
}
