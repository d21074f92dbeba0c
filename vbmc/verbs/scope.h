/* Who sees what: which BMCs and domains the account that asks may know of and by what name, and
 * what else of the fleet it is told. Some accounts know one BMC only. */
#ifndef VBMC_VERBS_SCOPE_H
#define VBMC_VERBS_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "vbmc/fleet/fleet.h"
#include "vbmc/service/service.h"

struct control_request;
struct instance;
struct json_object;
struct verbs;

/* Whether the account may know of the BMC. */
bool verbs_may_see(const struct control_request *request, struct instance *instance);
/* How hypervisors are reached is for who manages them, not for who manages a guest. */
bool verbs_may_see_hypervisors(const struct control_request *request);

/* The BMC that is all the account knows, NULL if it knows all: it has no others to take for it. */
const struct uuid *verbs_only_bmc_of(const struct control_request *request);

/* The BMC that a name means; else NULL with the reason in `text`. */
struct instance *verbs_find_named(const struct verbs *verbs, const char *name,
                                  const struct control_request *request,
                                  char text[FLEET_NAME_ERROR_SIZE]);

/* The instance that the argument "name" means, if the asking account may know of it; NULL after an
 * error was answered. */
struct instance *verbs_named_instance(const struct verbs *verbs, struct json_object *arguments,
                                      struct control_request *request);

/* Before a verb that needs the right to `operation`: where the argument "name" means a BMC, the
 * request goes on with the level that its account has there (vbmc/service/accounts.h). False after
 * an error was answered: it has none. What concerns the fleet is left to the level that it has
 * everywhere. */
bool verbs_admit_there(const struct verbs *verbs, struct json_object *arguments,
                       struct control_request *request, enum service_operation operation);

/* The domain that the argument "name" means, which need not have a BMC; NULL after an error was
 * answered. For those who know all BMCs. */
struct virt_domain *verbs_named_domain(const struct verbs *verbs, struct json_object *arguments,
                                       struct control_request *request);

/* Those that the asking account may know of, by name; `count` of them, the array is the caller's to
 * free. */
struct instance **verbs_visible_instances(const struct verbs *verbs,
                                          const struct control_request *request, size_t *count);

/* Whether `instances[i]`, of those of verbs_visible_instances, is the only one with its name, which
 * reads like nothing else. */
bool verbs_has_plain_name(struct instance *const *instances, size_t count, size_t i);
/* Puts what the account may call it (see fleet_name_of) as "domain_name" into the row. */
void verbs_add_name(const struct verbs *verbs, const struct control_request *request,
                    struct instance *instance, bool is_plain, struct json_object *row);

#endif
