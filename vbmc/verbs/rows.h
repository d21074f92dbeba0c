/* Answers with a row for each BMC that the asking account may know of, by name. To a client that
 * takes parts the rows are made and sent some at a time: the daemon serves others in between, and
 * the client reads the first ones while the next are made. */
#ifndef VBMC_VERBS_ROWS_H
#define VBMC_VERBS_ROWS_H

struct control_request;
struct instance;
struct json_object;
struct verbs;

/* Adds what the verb says of the BMC to `row`, which has its "domain_name". `arguments` are those
 * of the request. */
typedef void verbs_fill_row_fn(const struct verbs *verbs, struct json_object *arguments,
                               const struct control_request *request, struct instance *instance,
                               struct json_object *row);

/* Answers the request, now or later; `arguments` are borrowed from it until then. BMCs that come
 * meanwhile may be left out, those that go or may not be known of any more are. */
void verbs_answer_rows(const struct verbs *verbs, struct json_object *arguments,
                       struct control_request *request, verbs_fill_row_fn *fill);

#endif
