/* `vbmc tag`: what an administrator writes beside a guest, and `vbmc list` shows of it. */
#ifndef VBMC_CLI_TAGS_H
#define VBMC_CLI_TAGS_H

struct json_object;

extern const struct cli_verb cli_verb_tag;

/* "rack=7, role=db": the tags of a BMC in one cell. */
struct json_object *cli_tags_text(struct json_object *tags);

#endif
