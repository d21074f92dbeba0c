#include "vbmc/ipmi/dcmi_group.h"

#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/ipmi/command.h"

struct dcmi *dcmi_group_begin(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    wire_put_u8(out, wire_u8(in));
    return request->bmc->dcmi;
}
