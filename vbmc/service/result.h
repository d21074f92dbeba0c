/* What the result of an operation says to people. */
#ifndef VBMC_SERVICE_RESULT_H
#define VBMC_SERVICE_RESULT_H

#include "vbmc/service/service.h"

#define SERVICE_TEXT_SIZE 128

/* Half a sentence in one line, for a negative result; `text` may be used for it. */
const char *service_explain(enum service_operation operation, int result,
                            char text[SERVICE_TEXT_SIZE]);

/* The name of a privilege level, also as people write it: "callback" to "oem", "none" for No
 * Access;
 * "" if it has none. */
const char *service_privilege_name(enum privilege privilege);

#endif
