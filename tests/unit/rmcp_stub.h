/* An ipmi_dispatch that answers as the test says and remembers what it was asked. Close Session and
 * Set Session Privilege Level do what they should through the session operations. Get Chassis
 * Status is the one that only reads. */
#ifndef TESTS_UNIT_RMCP_STUB_H
#define TESTS_UNIT_RMCP_STUB_H

#include "vbmc/ipmi/dispatch.h"
#include "vbmc/ipmi/msg.h"

struct rmcp_stub {
    unsigned calls;
    struct ipmi_request request; /* the latest; .msg points to nothing any more */
    struct ipmi_msg msg;         /* its message; .data points to nothing any more */
    enum ipmi_outcome outcome;
    struct ipmi_response response;
    void (*hook)(const struct ipmi_request *request); /* runs inside of the call if not NULL */
};

extern struct rmcp_stub rmcp_stub;

/* Answer 00h without data, nothing remembered. */
void rmcp_stub_reset(void);

#endif
