/* Network functions and completion codes of IPMI 2.0 (sections 5.1 and 5.2). */
#ifndef VBMC_IPMI_CODES_H
#define VBMC_IPMI_CODES_H

enum ipmi_netfn {
    NETFN_CHASSIS = 0x00,
    NETFN_BRIDGE = 0x02,
    NETFN_SENSOR_EVENT = 0x04,
    NETFN_APP = 0x06,
    NETFN_FIRMWARE = 0x08,
    NETFN_STORAGE = 0x0a,
    NETFN_TRANSPORT = 0x0c,
    NETFN_GROUP_EXTENSION = 0x2c,
    NETFN_OEM_GROUP = 0x2e,
};

enum completion_code {
    CC_SUCCESS = 0x00,
    /* Those that all commands which set parameters share (sections 23.1, 26.2, 28.12). */
    CC_PARAMETER_NOT_SUPPORTED = 0x80,
    CC_PARAMETERS_BEING_SET = 0x81,
    CC_PARAMETER_READ_ONLY = 0x82,
    CC_NODE_BUSY = 0xc0,
    CC_INVALID_COMMAND = 0xc1,
    CC_INVALID_FOR_LUN = 0xc2,
    CC_TIMEOUT = 0xc3,
    CC_OUT_OF_SPACE = 0xc4,
    CC_RESERVATION_CANCELLED = 0xc5,
    CC_REQUEST_TRUNCATED = 0xc6,
    CC_REQUEST_LENGTH_INVALID = 0xc7,
    CC_REQUEST_LENGTH_EXCEEDED = 0xc8,
    CC_PARAMETER_OUT_OF_RANGE = 0xc9,
    CC_CANNOT_RETURN_BYTES = 0xca,
    CC_NOT_PRESENT = 0xcb,
    CC_INVALID_DATA_FIELD = 0xcc,
    CC_ILLEGAL_FOR_SENSOR = 0xcd,
    CC_RESPONSE_NOT_PROVIDED = 0xce,
    CC_INITIALISING = 0xd2,
    CC_DESTINATION_UNAVAILABLE = 0xd3,
    CC_INSUFFICIENT_PRIVILEGE = 0xd4,
    CC_NOT_IN_PRESENT_STATE = 0xd5,
    CC_UNSPECIFIED = 0xff,
};

/* Of all commands that get a parameter (sections 22.14b, 23.2, 26.3, 30.4): the revision they
 * answer with, and bit 7 of the channel or selector, which asks for that alone. */
#define PARAMETER_REVISION 0x11
#define REVISION_ONLY      0x80

/* First byte of request and response data of a group extension (section 5.1). */
#define GROUP_DCMI 0xdc

#endif
