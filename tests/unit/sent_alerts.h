/* Alerts of the one fake_bmc, kept instead of sent, and their destinations; asserts by cmocka,
 * which its includer includes. */
#ifndef TESTS_UNIT_SENT_ALERTS_H
#define TESTS_UNIT_SENT_ALERTS_H

#include <stdio.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/bmc/lan_parameters.h"

#define SENT_MAX 256

static struct {
    char hosts[SENT_MAX + 1]; /* last byte of each address: '1', '2', ... */
    struct alert last;
    unsigned count;
    int result; /* of sending */
} sent;

static inline int send_alert(void *context, const struct lan_destination *to,
                             const struct alert *alert)
{
    assert_ptr_equal(context, &sent);
    assert_true(sent.count < SENT_MAX);
    sent.hosts[sent.count++] = (char)('0' + to->ip[3]);
    sent.hosts[sent.count] = '\0';
    sent.last = *alert;
    return sent.result;
}

static inline void keep_alerts(void)
{
    static const struct alerts_ops ops = {.send = send_alert};

    alerts_set_ops(&fake_bmc.bmc.alerts, &ops, &sent);
}

static inline const char *talk(const char *request)
{
    fake_bmc.requests = fake_bmc.reply_count[1] = 0; /* room for the answer */
    return fake_bmc_talk(&fake_bmc, request);
}

#define EXPECT(request, answer) assert_string_equal(talk(request), answer)

static inline void expect_sent(const char *hosts)
{
    assert_string_equal(sent.hosts, hosts);
}

/* Destination n is 192.0.2.n; its type byte, time-out and retries. */
static inline void set_destination(unsigned n, uint8_t type, uint8_t timeout, uint8_t retries)
{
    const struct bmc_ticket nobody = {0};
    const uint8_t address[] = {(uint8_t)n, 0, 0, 192, 0, 2, (uint8_t)n, 0, 0, 0, 0, 0, 0};
    const uint8_t behaviour[] = {(uint8_t)n, type, timeout, retries};

    lan_set_parameter(&fake_bmc.bmc.lan, 18, behaviour, sizeof behaviour, 0, &nobody);
    lan_set_parameter(&fake_bmc.bmc.lan, 19, address, sizeof address, 0, &nobody);
}

/* PET Acknowledge of the last one. */
static inline void acknowledge(void)
{
    const struct alert *alert = &sent.last;
    uint32_t time = alert_time(alert);
    char request[80];

    snprintf(request, sizeof request,
             "04 17 %02x %02x %02x %02x %02x %02x 20 %02x %02x %02x %02x %02x",
             alert->sequence & 0xff, alert->sequence >> 8, time & 0xff, time >> 8 & 0xff,
             time >> 16 & 0xff, time >> 24, alert->record[SEL_RECORD_GENERATOR],
             alert->record[SEL_RECORD_SENSOR_NUMBER], alert->record[SEL_RECORD_DATA],
             alert->record[SEL_RECORD_DATA + 1], alert->record[SEL_RECORD_DATA + 2]);
    fake_bmc.origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION;
    fake_bmc.privilege = PRIVILEGE_NONE;
    EXPECT(request, "00");
    fake_bmc.origin = IPMI_ORIGIN_LAN_SESSION;
    fake_bmc.privilege = PRIVILEGE_ADMINISTRATOR;
}

#endif
