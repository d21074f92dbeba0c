/* Members of the daemon's answers, and of what it is asked. */
#ifndef VBMC_CLI_MEMBERS_H
#define VBMC_CLI_MEMBERS_H

struct json_object;

/* The member `key`, borrowed; NULL for null, if there is none, or if `object` is no object. */
struct json_object *cli_member(struct json_object *object, const char *key);
/* The same as text, whatever its type, which lives as long as the member; "" for NULL. */
const char *cli_member_text(struct json_object *object, const char *key);
/* Adds a text; nothing for NULL. */
void cli_add_text(struct json_object *object, const char *key, const char *text);

#endif
