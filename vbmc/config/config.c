#include "vbmc/config/config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/hash.h"
#include "vbmc/base/locked.h"
#include "vbmc/bmc/manufacturer.h"
#include "vbmc/config/check.h"
#include "vbmc/config/fail.h"
#include "vbmc/config/ini.h"
#include "vbmc/config/keys.h"
#include "vbmc/config/parse.h"
#include "vbmc/config/server.h"

#define DEFAULT_HISTORY   UINT64_C(0x40000)  /* 256K */
#define DEFAULT_LOG_SIZE  UINT64_C(0x100000) /* 1M */
#define DEFAULT_LOG_FILES 4
#define DEFAULT_REPLAY    20

static int fail_no_memory(struct config_parse *parse)
{
    snprintf(parse->error, parse->error_size, "%s: %s", parse->path, strerror(ENOMEM));
    return -ENOMEM;
}

/* Sections ----------------------------------------------------------------------------------- */

/* One more zeroed element at the end of an array, or NULL. `array` is the address of its pointer.
 * Moved by hand, since realloc would leave passwords behind in the old place. */
static void *append(void *array, size_t *count, size_t element_size)
{
    void *old = *(void **)array;
    char *elements = old;

    if ((*count & (*count - 1)) == 0) { /* 0, 1, 2, 4, ...: as many as there is room for */
        elements = calloc(*count > 0 ? *count * 2 : 1, element_size);
        if (!elements)
            return NULL;
        if (old) {
            memcpy(elements, old, *count * element_size);
            explicit_bzero(old, *count * element_size);
            free(old);
        }
        *(void **)array = elements;
    }
    return elements + (*count)++ * element_size;
}

static int add_hypervisor(struct config_parse *parse, const char *name, unsigned line)
{
    struct config *config = parse->config;

    for (size_t i = 0; i < config->hypervisor_count; i++) {
        if (strcmp(config->hypervisors[i].name, name) == 0)
            return config_fail(parse, line, "[hypervisor %s]: there is one of that name already",
                               name);
    }
    struct config_hypervisor *hypervisor =
        append(&config->hypervisors, &config->hypervisor_count, sizeof *hypervisor);
    if (!hypervisor || !(hypervisor->name = strdup(name)))
        return fail_no_memory(parse);
    return 0;
}

static int add_user(struct config_parse *parse, const char *name, unsigned line)
{
    struct config *config = parse->config;

    if (strlen(name) > USER_NAME_MAX)
        return config_fail(parse, line, "[user %s]: a user's name is at most %d bytes", name,
                           USER_NAME_MAX);
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            return config_fail(parse, line, "[user]: the name has unprintable characters");
    }
    for (size_t i = 0; i < config->user_count; i++) {
        if (strcmp(config->users[i].name, name) == 0)
            return config_fail(parse, line, "[user %s]: there is one of that name already", name);
    }
    if (config->user_count == CONFIG_USERS_MAX)
        return config_fail(parse, line, "[user %s]: a BMC has at most %d users", name,
                           CONFIG_USERS_MAX);
    if (!config->users)
        config->users = locked_calloc(CONFIG_USERS_MAX, sizeof *config->users);
    if (!config->users)
        return fail_no_memory(parse);
    struct config_user *user = &config->users[config->user_count++];
    memcpy(user->name, name, strlen(name) + 1);
    user->limit = PRIVILEGE_ADMINISTRATOR;
    return 0;
}

static const struct config_domain *find_by_name(const struct config *config, const char *name)
{
    uint64_t hash = hash_bytes(HASH_BEGIN, name, strlen(name));
    const struct hash_index_node *cursor = NULL;
    const void *position;

    while ((position = hash_index_next(&config->domains_by_name, hash, &cursor))) {
        const struct config_domain *domain = &config->domains[(uintptr_t)position - 1];
        if (strcmp(domain->name, name) == 0)
            return domain;
    }
    return NULL;
}

static const struct config_domain *find_by_uuid(const struct config *config,
                                                const struct uuid *uuid)
{
    uint64_t hash = hash_bytes(HASH_BEGIN, uuid->bytes, sizeof uuid->bytes);
    const struct hash_index_node *cursor = NULL;
    const void *position;

    while ((position = hash_index_next(&config->domains_by_uuid, hash, &cursor))) {
        const struct config_domain *domain = &config->domains[(uintptr_t)position - 1];
        if (uuid_equal(&domain->uuid, uuid))
            return domain;
    }
    return NULL;
}

int config_index_domain(struct config *config, size_t i)
{
    const struct config_domain *domain = &config->domains[i];
    void *position = (void *)(uintptr_t)(i + 1);

    assert(domain->name);
    uint64_t by_name = hash_bytes(HASH_BEGIN, domain->name, strlen(domain->name));
    uint64_t by_uuid = hash_bytes(HASH_BEGIN, domain->uuid.bytes, sizeof domain->uuid.bytes);

    if (hash_index_add(&config->domains_by_name, by_name, position) < 0)
        return -ENOMEM;
    return domain->has_uuid ? hash_index_add(&config->domains_by_uuid, by_uuid, position) : 0;
}

void config_clear_index(struct config *config)
{
    hash_index_clear(&config->domains_by_name, NULL);
    hash_index_clear(&config->domains_by_uuid, NULL);
}

static int add_domain(struct config_parse *parse, const char *name, unsigned line)
{
    struct config *config = parse->config;
    struct uuid uuid;
    bool has_uuid = uuid_parse(name, &uuid) == 0;

    if (find_by_name(config, name) || (has_uuid && find_by_uuid(config, &uuid)))
        return config_fail(parse, line, "[domain %s]: there is one of that name already", name);
    struct config_domain *domain = append(&config->domains, &config->domain_count, sizeof *domain);
    if (!domain || !(domain->name = strdup(name)))
        return fail_no_memory(parse);
    domain->has_uuid = has_uuid;
    if (has_uuid)
        domain->uuid = uuid;
    domain->enabled = true;
    return config_index_domain(config, config->domain_count - 1) < 0 ? fail_no_memory(parse) : 0;
}

static const struct {
    const char *name;
    /* For [NAME x], of which there may be many: adds one. */
    int (*add)(struct config_parse *parse, const char *name, unsigned line);
} sections[] = {
    [CONFIG_SECTION_DAEMON] = {"daemon", NULL},
    [CONFIG_SECTION_HYPERVISOR] = {"hypervisor", add_hypervisor},
    [CONFIG_SECTION_BMC] = {"bmc", NULL},
    [CONFIG_SECTION_SSH] = {"ssh", NULL},
    [CONFIG_SECTION_FACILITY] = {"facility", NULL},
    [CONFIG_SECTION_USER] = {"user", add_user},
    [CONFIG_SECTION_DOMAIN] = {"domain", add_domain},
};

/* Which section the header's text names. *name is what stands behind it, NULL if nothing. */
static enum config_section find_section(const char *text, const char **name)
{
    size_t length = strcspn(text, " \t");

    *name = text[length] ? text + length + strspn(text + length, " \t") : NULL;
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
        if (strlen(sections[i].name) == length && strncmp(sections[i].name, text, length) == 0)
            return (enum config_section)i;
    }
    return CONFIG_SECTION_UNKNOWN;
}

/* The index that the next element of a named section gets; 0 for the others. */
static size_t next_index(const struct config *config, enum config_section section)
{
    switch (section) {
    case CONFIG_SECTION_HYPERVISOR:
        return config->hypervisor_count;
    case CONFIG_SECTION_USER:
        return config->user_count;
    case CONFIG_SECTION_DOMAIN:
        return config->domain_count;
    default:
        return 0;
    }
}

/* The block of an unnamed section that was begun before, or NULL. */
static const struct config_block *find_block(const struct config_parse *parse,
                                             enum config_section section)
{
    for (size_t i = 0; i < parse->block_count; i++) {
        if (parse->blocks[i].section == section)
            return &parse->blocks[i];
    }
    return NULL;
}

static int begin_section(struct config_parse *parse, const struct ini_entry *entry)
{
    const char *name;
    enum config_section section = find_section(entry->section, &name);
    bool is_known = section != CONFIG_SECTION_UNKNOWN;
    bool is_named = is_known && sections[section].add;

    if (!is_known)
        log_warning("%s:%u: unknown section [%s] is ignored; known are daemon, hypervisor NAME, "
                    "bmc, ssh, facility, user NAME, domain NAME",
                    parse->path, entry->line, entry->section);
    else if (is_named != (name != NULL))
        return config_fail(parse, entry->line, "[%s]: is written [%s%s]", entry->section,
                           sections[section].name, is_named ? " NAME" : "");
    const struct config_block *earlier = find_block(parse, section);
    if (is_known && !is_named && earlier)
        return config_fail(parse, entry->line, "[%s]: stands already at line %u", entry->section,
                           earlier->line);
    struct config_block *block = append(&parse->blocks, &parse->block_count, sizeof *block);
    if (!block)
        return fail_no_memory(parse);
    *block = (struct config_block){
        .section = section,
        .index = next_index(parse->config, section),
        .line = entry->line,
    };
    config_begin_model(block);
    return is_named ? sections[section].add(parse, name, entry->line) : 0;
}

/* Keys --------------------------------------------------------------------------------------- */

static void *section_structure(struct config *config, const struct config_block *block)
{
    switch (block->section) {
    case CONFIG_SECTION_DAEMON:
        return &config->daemon;
    case CONFIG_SECTION_HYPERVISOR:
        return &config->hypervisors[block->index];
    case CONFIG_SECTION_BMC:
        return &config->bmc;
    case CONFIG_SECTION_SSH:
        return &config->ssh;
    case CONFIG_SECTION_FACILITY:
        return &config->facility;
    case CONFIG_SECTION_USER:
        return &config->users[block->index];
    case CONFIG_SECTION_DOMAIN:
        return &config->domains[block->index];
    default:
        return NULL;
    }
}

static int warn_unknown_key(const struct config_parse *parse, const struct config_block *block,
                            const struct ini_entry *entry)
{
    const char *near = config_key_suggest(block->section, entry->key);

    log_warning("%s:%u: unknown key %s in [%s] is ignored%s%s%s", parse->path, entry->line,
                entry->key, entry->section, near ? "; did you mean " : "", near ? near : "",
                near ? "?" : "");
    return 0;
}

static int take_value(struct config_parse *parse, const struct config_block *block,
                      const struct config_key *key, const struct ini_entry *entry)
{
    parse->reason[0] = '\0';
    char *base = section_structure(parse->config, block);
    int result = key->read(parse, entry->value, base + key->offset);
    if (result == -ENOMEM)
        return fail_no_memory(parse);
    if (result == 0)
        return 0;
    const char *why = parse->reason[0] ? parse->reason : key->wanted;
    if (key->is_secret)
        config_fail(parse, entry->line, "%s: %s", key->name, why);
    else
        config_fail(parse, entry->line, "%s = %s: %s", key->name, entry->value, why);
    return result == -EACCES ? -EACCES : -EINVAL;
}

static int take_key(struct config_parse *parse, const struct ini_entry *entry)
{
    struct config_block *block = &parse->blocks[parse->block_count - 1];

    if (block->section == CONFIG_SECTION_UNKNOWN)
        return 0;
    const struct config_key *key = config_key_find(block->section, entry->key);
    if (!key) {
        int result =
            config_take_model_constant(parse, block, entry->key, entry->value, entry->line);
        return result == -ENOENT ? warn_unknown_key(parse, block, entry) : result;
    }
    if (config_key_seen(block, key->name))
        return config_fail(parse, entry->line, "%s: is given twice in this section", key->name);
    if (key->excludes && config_key_seen(block, key->excludes))
        return config_fail(parse, entry->line, "%s: either this or %s, not both", key->name,
                           key->excludes);
    if (key->is_secret && entry->is_ambiguous)
        return config_fail(parse, entry->line,
                           "%s: a blank with ; or # behind it would begin a comment; put the "
                           "value into a file of its own%s%s, comments above the line",
                           key->name, key->excludes ? " and name it with " : "",
                           key->excludes ? key->excludes : "");
    config_key_note(block, key);
    parse->has_inline_secret |= key->is_secret;
    return take_value(parse, block, key, entry);
}

static int take_entry(void *context, const struct ini_entry *entry, char *error, size_t error_size)
{
    struct config_parse *parse = context;

    (void)error; /* the same as in parse */
    (void)error_size;
    return entry->key ? take_key(parse, entry) : begin_section(parse, entry);
}

/* The whole ---------------------------------------------------------------------------------- */

static int set_defaults(struct config *config)
{
    config->daemon.state_dir = strdup("/var/lib/vbmc");
    config->daemon.user = strdup("vbmc");
    config->daemon.runtime_dir = strdup(CONFIG_DEFAULT_RUNTIME_DIR);
    config->daemon.log_level = LOG_LEVEL_INFO;
    config->bmc.address = strdup("127.0.0.1");
    config->bmc.port_first = 6230;
    config->bmc.port_last = 7229;
    config->bmc.port = 623;
    channel_set_defaults(&config->bmc.channel);
    config->bmc.session_timeout_s = 60;
    config->bmc.forget_after_s = 600;
    config->bmc.manufacturer = BMC_MANUFACTURER_DEFAULT;
    config->bmc.console_history = DEFAULT_HISTORY;
    config->bmc.console_replay = DEFAULT_REPLAY;
    config->bmc.console_log_size = DEFAULT_LOG_SIZE;
    config->bmc.console_log_files = DEFAULT_LOG_FILES;
    server_settings_set_defaults(&config->bmc.server);
    facility_settings_set_defaults(&config->facility);
    return config->daemon.state_dir && config->daemon.runtime_dir && config->daemon.user &&
                   config->bmc.address
               ? 0
               : -ENOMEM;
}

static int add_default_hypervisor(struct config_parse *parse)
{
    int result = add_hypervisor(parse, "local", 0);

    if (result == 0) {
        parse->config->hypervisors[0].uri = strdup("qemu:///system");
        if (!parse->config->hypervisors[0].uri)
            return fail_no_memory(parse);
    }
    return result;
}

static int check_file(struct config_parse *parse, int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return config_fail(parse, 0, "%s", strerror(errno));
    if (S_ISDIR(status.st_mode))
        return config_fail(parse, 0, "is a folder; expected a configuration file");
    if (S_ISREG(status.st_mode) && status.st_mode & S_IWOTH)
        return config_fail(parse, 0, "everybody may write this file; chmod o-w it");
    if (S_ISREG(status.st_mode) && status.st_mode & S_IWGRP)
        log_warning("%s: its group may change this file (mode %03o); chmod g-w it", parse->path,
                    (unsigned)status.st_mode & 0777);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        log_warning("%s: belongs to another user (%u), who may change it; chown root it",
                    parse->path, (unsigned)status.st_uid);
    return 0;
}

/* Looked at when it is known what is in it. */
static void check_readers(const struct config_parse *parse, int fd)
{
    struct stat status;

    if (parse->has_inline_secret && fstat(fd, &status) == 0 && status.st_mode & S_IROTH)
        log_warning("%s: everybody may read the passwords in this file; chmod 640 it or use "
                    "password-file",
                    parse->path);
}

static int load_file(struct config_parse *parse, bool may_be_absent)
{
    CLEANUP_CLOSE int fd = open(parse->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0 && errno == ENOENT && may_be_absent)
        return add_default_hypervisor(parse);
    if (fd < 0) {
        int result = -errno;
        config_fail(parse, 0, "%s", strerror(-result));
        return result;
    }
    if (!(parse->config->path = strdup(parse->path)))
        return fail_no_memory(parse);
    int result = check_file(parse, fd);
    if (result == 0)
        result = ini_load(fd, parse->path, INI_DIALECT_OWN, take_entry, parse, parse->error,
                          parse->error_size);
    if (result == 0)
        result = config_inherit_servers(parse);
    if (result == 0)
        result = config_check(parse);
    if (result == 0)
        check_readers(parse, fd);
    return result;
}

int config_load(const char *path, struct config **config, char *error, size_t error_size)
{
    struct config_parse parse = {
        .config = calloc(1, sizeof *parse.config),
        .path = path ? path : CONFIG_DEFAULT_PATH,
        .error = error,
        .error_size = error_size,
    };
    int result;

    if (!parse.config || set_defaults(parse.config) < 0)
        result = fail_no_memory(&parse);
    else
        result = load_file(&parse, path == NULL);
    free(parse.blocks);
    hash_index_clear(&parse.domains_by_place, NULL);
    if (result < 0) {
        config_free(parse.config);
        return result;
    }
    *config = parse.config;
    for (size_t i = 0; i < parse.config->hypervisor_count; i++)
        locked_move_text(&parse.config->hypervisors[i].sasl_password);
    return 0;
}

static void free_key(const struct channel *channel)
{
    locked_free((uint8_t *)channel->kg, CHANNEL_KG_SIZE);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    config_clear_index(config);
    for (size_t i = 0; i < config->hypervisor_count; i++) {
        free(config->hypervisors[i].name);
        free(config->hypervisors[i].uri);
        free(config->hypervisors[i].sasl_username);
        locked_free_text(config->hypervisors[i].sasl_password);
    }
    for (size_t i = 0; i < config->user_count; i++)
        free(config->users[i].authorized_keys);
    for (size_t i = 0; i < config->domain_count; i++) {
        free(config->domains[i].name);
        free(config->domains[i].address);
        free(config->domains[i].serial);
        if (config->domains[i].channel.kg != config->bmc.channel.kg) /* its own */
            free_key(&config->domains[i].channel);
        explicit_bzero(&config->domains[i], sizeof config->domains[i]);
    }
    free(config->hypervisors);
    locked_free(config->users, CONFIG_USERS_MAX * sizeof *config->users);
    free(config->domains);
    free(config->daemon.state_dir);
    free(config->daemon.runtime_dir);
    free(config->daemon.log_file);
    free(config->daemon.control_group);
    free(config->daemon.user);
    free_key(&config->bmc.channel);
    free(config->bmc.address);
    free(config->bmc.console_log);
    free(config->path);
    explicit_bzero(config, sizeof *config);
    free(config);
}

const struct config_domain *config_find_domain(const struct config *config, const char *name,
                                               const struct uuid *uuid)
{
    const struct config_domain *domain = uuid ? find_by_uuid(config, uuid) : NULL;

    return domain || !name ? domain : find_by_name(config, name);
}
