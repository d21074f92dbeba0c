/* The verb "user": the accounts of one BMC. */
#ifndef VBMC_VERBS_USERS_H
#define VBMC_VERBS_USERS_H

#include "vbmc/verbs/verb.h"

/* user {"name"}: [{"id", "name", "privilege" ("callback", "user", "operator", "administrator",
 *     "oem", "none"), "enabled", "ipmi", "ssh" (whether it may log in by that), "sessions" (at a
 *     time; 0: no limit), "source" (words), "from": {each part: "configuration" or "client"}}],
 *     except ids that nobody uses. SERVICE_USERS_VIEW.
 * user {"name", "action": "add", "user", "password" [, "id"] [, values]}: {"id" [, "note"]}.
 * user {"name", "action": "set", "user" [, "new_name"] [, "password"] [, values]}: the same.
 *     SERVICE_USER_CHANGE. "values" are "privilege", "enabled" and "ipmi" (flags), "sessions".
 * user {"name", "action": "reset" [, "user" [, "parts": [names of parts]]]}: takes back what was
 *     changed; {}. SERVICE_USER_RESET.
 * A "user" is a name or, where nobody has that, an id. */
verbs_run verbs_user;

#endif
