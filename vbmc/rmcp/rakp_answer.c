#include "vbmc/rmcp/rakp_answer.h"

#include "vbmc/rmcp/core.h"

struct wire_out rakp_answer_begin(uint8_t room[RAKP_ANSWER_MAX], uint8_t tag,
                                  enum rakp_status status, uint8_t privilege, uint32_t console_id)
{
    struct wire_out out = wire_out_init(room, RAKP_ANSWER_MAX);

    wire_put_u8(&out, tag);
    wire_put_u8(&out, (uint8_t)status);
    wire_put_u8(&out, privilege);
    wire_put_u8(&out, 0);
    wire_put_u32(&out, console_id);
    return out;
}

void rakp_answer_error(struct rmcp_server *server, const struct endpoint *to, uint8_t type,
                       uint8_t tag, enum rakp_status status, uint32_t console_id)
{
    uint8_t room[RAKP_ANSWER_MAX];
    struct wire_out out = rakp_answer_begin(room, tag, status, 0, console_id);

    rmcp_core_send_clear(server, to, type, room, out.pos);
}

enum rakp_status rakp_check_privilege(uint8_t wanted, enum privilege limit,
                                      enum rakp_status too_high)
{
    if (wanted > PRIVILEGE_OEM)
        return RAKP_INVALID_ROLE;
    if (limit < PRIVILEGE_CALLBACK || limit > PRIVILEGE_OEM) /* nobody may come in */
        return RAKP_UNAUTHORIZED_ROLE;
    return (enum privilege)wanted > limit ? too_high : RAKP_OK;
}
