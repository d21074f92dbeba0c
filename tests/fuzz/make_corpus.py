#!/usr/bin/env python3
"""Writes the seed inputs of fuzz_datagram from the vectors, and those of fuzz_session, into
tests/fuzz/corpus/.

Run from the top: tests/fuzz/make_corpus.py"""

import json
import os
import struct

RAW, RAW_IN_SESSION, MESSAGE, PAYLOAD = range(4)
SENSOR_EVENT, APP, STORAGE, GROUP = 0x04, 0x06, 0x0A, 0x2C
TARGET = "tests/fuzz/corpus/datagram"
SESSION_TARGET = "tests/fuzz/corpus/session"


def record(mode, data, suite=0, seconds=0):
    return struct.pack("<BH", mode | suite << 2 | seconds << 4, len(data)) + data


def write(name, *records):
    with open(os.path.join(TARGET, name), "wb") as out:
        out.write(b"".join(records))


# Set, refused and changed while it runs; it ends while nobody asks.
WATCHDOG = [
    (0x06, 0x22, b""), (0x06, 0x24, b"\x04\x21\x01\x3e\x14\0"), (0x06, 0x22, b""), (0x06, 0x25, b""),
    (0x06, 0x24, b"\x44\x33\x05\0\x28\0"), (0x06, 0x24, b"\x0c\x11\0\x01\x01\0"),
    (0x06, 0x22, b""), (0x06, 0x25, b""), (0x06, 0x24, b"\x83\0\0\x10\0\0"), (0x06, 0x22, b""),
    (0x06, 0x25, b""),
]
# PEF is on, and sends what its filters pick to two destinations; one acknowledges. Then all of it.
LAN = 0x0C
PEF = [
    (LAN, 0x01, b"\x01\x13\x01\0\0\xc0\0\x02\x01\0\0\0\0\0\0"), (LAN, 0x01, b"\x01\x12\x01\x80\x01\x07"),
    (LAN, 0x01, b"\x01\x13\x02\0\0\xc0\0\x02\x02\0\0\0\0\0\0"), (SENSOR_EVENT, 0x12, b"\x01\x0f"),
    (SENSOR_EVENT, 0x12, b"\x09\x01\x18\x11\x02"), (SENSOR_EVENT, 0x12, b"\x09\x02\x1b\x12\x85"),
    (SENSOR_EVENT, 0x12, b"\x0d\x02\x01abc"), (SENSOR_EVENT, 0x12, b"\x0c\x03\x01\x05"),
    (SENSOR_EVENT, 0x12, b"\x06\x01\x80\x2f\x01\x10\xff\xff\x01\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0"),
    (SENSOR_EVENT, 0x11, b"\x02"), (SENSOR_EVENT, 0x02, b"\x04\x01\x30\x01\x59\x60\x55"),
    (SENSOR_EVENT, 0x14, b"\0\x01\0"), (SENSOR_EVENT, 0x11, b"\0"), (SENSOR_EVENT, 0x15, b""),
    (SENSOR_EVENT, 0x02, b"\x04\x01\x30\x01\x59\x60\x55"), (SENSOR_EVENT, 0x16, b"\x01\x01\x82"),
    (SENSOR_EVENT, 0x16, b"\x01\x01\0\x41\x04\x01\x30\x01\x59\x60\x55"), (SENSOR_EVENT, 0x16, b"\x01\x41\0"),
    (SENSOR_EVENT, 0x17, b"\x01\0\0\0\0\0\x20\x81\x30\x59\x60\x55"), (SENSOR_EVENT, 0x16, b"\x01\x81\0"),
    (SENSOR_EVENT, 0x13, b"\x06\x01\0"), (SENSOR_EVENT, 0x13, b"\x0d\x02\x01"), (SENSOR_EVENT, 0x10, b""),
]
# What a monitoring system and an administrator ask of a server. The first reservations are 1.
SENSORS = [
    (SENSOR_EVENT, 0x2D, b"\x01"), (SENSOR_EVENT, 0x23, b"\x10\x40"),
    (SENSOR_EVENT, 0x27, b"\x08"), (SENSOR_EVENT, 0x26, b"\x08\x3f\0\0\0\x10\x20\x30"),
    (SENSOR_EVENT, 0x26, b"\x01\x18\0\0\0\x10\x11\0"), (SENSOR_EVENT, 0x25, b"\x08\xff"),
    (SENSOR_EVENT, 0x24, b"\x08\xff\x02\x03"), (SENSOR_EVENT, 0x29, b"\x38"),
    (SENSOR_EVENT, 0x28, b"\x38\xe0\xff\x0f"), (SENSOR_EVENT, 0x28, b"\x08\xd0\xff\x0f\xff\x0f"),
    (SENSOR_EVENT, 0x2A, b"\x08\x00"), (SENSOR_EVENT, 0x2A, b"\x80\x80\x02\0\x02\0"),
    (SENSOR_EVENT, 0x2B, b"\x80"), (SENSOR_EVENT, 0x2F, b"\xc0"),
    (SENSOR_EVENT, 0x2E, b"\x01\x01\x01"), (SENSOR_EVENT, 0x30, b"\x08\x01\xff"),
    (SENSOR_EVENT, 0x30, b"\x80\x50\0\x03\0\0\0\xa0\x01\x02"),
    (SENSOR_EVENT, 0x00, b"\x20\0"), (SENSOR_EVENT, 0x01, b""), (SENSOR_EVENT, 0x10, b""),
    (SENSOR_EVENT, 0x02, b"\x04\x01\x30\x01\x57\x60\x55"),
    (SENSOR_EVENT, 0x14, b"\x01\x05\0"), (SENSOR_EVENT, 0x15, b""),
]
SDR = [
    (STORAGE, 0x20, b""), (STORAGE, 0x21, b""), (STORAGE, 0x22, b""),
    (STORAGE, 0x23, b"\0\0\0\0\0\xff"), (STORAGE, 0x23, b"\x01\0\0\0\0\x05"),
    (STORAGE, 0x23, b"\x01\0\x01\0\x05\x10"), (STORAGE, 0x23, b"\x01\0\xff\xff\x3f\x01"),
    (STORAGE, 0x28, b""), (STORAGE, 0x29, b"\0\0\0\x60"), (STORAGE, 0x2C, b"\x01"),
]
SEL = [
    (STORAGE, 0x40, b""), (STORAGE, 0x41, b""), (STORAGE, 0x42, b""),
    (STORAGE, 0x44, b"\0\0\x02\0\0\0\0\x41\0\x04\x01\x01\x01\x57\x60\x55"),
    (STORAGE, 0x44, b"\0\0\xe0abcdefghijklm"), (STORAGE, 0x43, b"\0\0\0\0\0\xff"),
    (STORAGE, 0x43, b"\x01\0\xff\xff\x0f\x01"), (STORAGE, 0x46, b"\x01\0\x01\0"),
    (STORAGE, 0x46, b"\x01\0\xff\xff"), (STORAGE, 0x47, b"\x01\0CLR\0"),
    (STORAGE, 0x47, b"\x01\0CLR\xaa"), (STORAGE, 0x47, b"\x01\0CLR\0"), (STORAGE, 0x48, b""),
    (STORAGE, 0x49, b"\xfe\xff\xff\xff"), (STORAGE, 0x49, b"\0\0\0\x60"), (STORAGE, 0x5A, b"\0"),
    (STORAGE, 0x5C, b""), (STORAGE, 0x5D, b"\xff\x07"), (STORAGE, 0x5D, b"\x60\xfa"),
]
FRU = [
    (STORAGE, 0x10, b"\0"), (STORAGE, 0x10, b"\x07"), (STORAGE, 0x11, b"\0\0\0\x08"),
    (STORAGE, 0x11, b"\x01\xf8\0\xff"), (STORAGE, 0x11, b"\0\0\0\xff"),
    (STORAGE, 0x12, b"\0\0\0\x01\0\x01\x09\x16\0\0\xdf"),
    (STORAGE, 0x12, b"\0\x04\0\x01" + b"\0\0\xfb" + b"\x01\x01\0\xc0\xc0\xc0\xc0\xc0"),
    (STORAGE, 0x12, b"\x01\xff\0\xff"), (STORAGE, 0x12, b"\0\xff\xff\0\0"),
]
DCMI = [
    *((GROUP, 0x01, b"\xdc" + bytes([n])) for n in range(6)),
    (GROUP, 0x02, b"\xdc\x01\0\0"), (GROUP, 0x02, b"\xdc\x02\x05\0"),
    (GROUP, 0x04, b"\xdc\0\0\0\x01\x32\0\xe8\x03\0\0\0\0\x01\0"), (GROUP, 0x05, b"\xdc\x01\0\0"),
    (GROUP, 0x03, b"\xdc\0\0"), (GROUP, 0x06, b"\xdc\0\x10"), (GROUP, 0x07, b"\xdc\x01\x41\0\0"),
    (GROUP, 0x08, b"\xdc\0\x05asset"), (GROUP, 0x08, b"\xdc\x05\x02gg"), (GROUP, 0x09, b"\xdc\0\x10"),
    (GROUP, 0x0A, b"\xdc\0\x03me\0"), (GROUP, 0x0B, b"\xdc\x40\x01\x60\x10\x01\0"),
    (GROUP, 0x0C, b"\xdc\x40\x01"), (GROUP, 0x10, b"\xdc\x01\x41\0\x01"),
    (GROUP, 0x12, b"\xdc\x02\0\x83"), (GROUP, 0x12, b"\xdc\x04\0\x78\0"), (GROUP, 0x13, b"\xdc\x04\0"),
]


SYSTEM = [
    (APP, 0x2F, b""), (APP, 0x2E, b"\x0c"), (APP, 0x06, b"\x81\x82"), (APP, 0x07, b""), (APP, 0x09, b"\x0e"),
    (APP, 0x0A, b"\x0e\x06\0"), (APP, 0x0A, b"\x0e\x6c\0\xdc"), (APP, 0x0B, b"\x0e\x06\0\x01"),
    (APP, 0x60, b"\x0e\x2e\0" + bytes(16)), (APP, 0x62, b"\x0e\x2c\0\x01\xdc\xff\xff\xff\xff"),
    (APP, 0x58, b"\0\x01"), (APP, 0x58, b"\x02\0\x01\x12abcdefghijklmn"), (APP, 0x58, b"\x02\x01opqr"),
    (APP, 0x58, b"\x04\0\0\xff"), (APP, 0x58, b"\x02\x10" + b"z" * 16), (APP, 0x59, b"\0\x02\x01\0"),
    (APP, 0x34, b"\x40\x20\x18\xc8\x81\x08\x04\x73"), (APP, 0x34, b"\x40\x20\0\xe0\x81\x08\x02\x03\x72"),
    (APP, 0x36, b""), (APP, 0x57, b"\x01"), (APP, 0x03, b""), (APP, 0x01, b""),
]
# Rows of the tables of commands there may be, and how they are asked for.
ROWS = 256
IN_SESSION, OUTSIDE, AS_GUEST = 0x40, 0x80, 0xC0


def messages(requests, suite=0, seconds=0):
    return [record(MESSAGE, bytes([netfn, command, n % 64]) + data, suite, seconds)
            for n, (netfn, command, data) in enumerate(requests)]


# IPMI 1.5 with the straight password: the harness's random numbers are known.
def lan15(kind, sequence, session, netfn, command, data):
    head = bytes([0x20, netfn << 2])
    body = bytes([0x81, 4, command]) + data
    message = head + bytes([-sum(head) & 0xFF]) + body + bytes([-sum(body) & 0xFF])
    code = b"vbmc-test-pass\0\0" if kind else b""
    packet = b"\x06\0\xff\x07" + struct.pack("<BII", kind, sequence, session) + code
    return record(RAW, packet + bytes([len(message)]) + message)


def lan15_login():
    session = 0x5EC0DE01
    challenge = bytes(range(0x30, 0x40))
    activation = b"\x04\x04" + challenge + struct.pack("<I", 1)
    return [
        lan15(0, 0, 0, 0x06, 0x39, b"\x04" + b"admin".ljust(16, b"\0")),
        lan15(4, 0, session, 0x06, 0x3A, activation),
        lan15(4, 0, session, 0x06, 0x3A, activation),
        lan15(4, session + 1, session, 0x06, 0x3B, b"\x04"),
        lan15(4, session + 2, session, 0x06, 0x3D, b"\0"),
        lan15(4, session + 4, session, 0x06, 0x48, b"\x01\x01\0\0\0\0"),
        lan15(0, session + 5, session, 0x06, 0x01, b""),
        lan15(4, session + 6, session, 0x06, 0x3C, struct.pack("<I", session)),
    ]


# The steps of fuzz_session, in the order of its enumeration.
(OPEN, ANY_OPEN, RAKP1, RAKP3, LOGIN, REQUEST, SEALED, REPLAY, SEQUENCE, CLEAR, BYTES, TIME, SLOT,
 ADMIN, LAN15, LATE) = range(16)
BEHIND = 0x80


def step(which, a=0, b=0, data=None, changes=(), behind=False):
    head = bytes([which | len(changes) << 4 | (BEHIND if behind else 0), a, b])
    head += b"".join(bytes(change) for change in changes)
    return head if data is None else head + bytes([len(data)]) + data


DEVICE_ID, CHASSIS, SET_LEVEL = b"\x06\x01", b"\x00\x01", b"\x06\x3b\x04"
WORK = [step(REQUEST, data=DEVICE_ID), step(REQUEST, data=SET_LEVEL), step(REQUEST, data=CHASSIS)]
CLOSE = step(REQUEST, data=b"\x06\x3c\0\0\0\0\x01")


def write_sessions():
    """Exchanges as real consoles have them, and each with something wrong."""
    os.makedirs(SESSION_TARGET, exist_ok=True)

    def put(name, *steps):
        with open(os.path.join(SESSION_TARGET, name), "wb") as out:
            out.write(b"".join(steps))

    for suite in range(6):
        put(f"suite_{suite}", step(OPEN, suite), step(RAKP1), step(RAKP3), *WORK, CLOSE, *WORK[:1])
        put(f"sealed_changed_{suite}", step(LOGIN, suite), *(
            step(REQUEST, data=DEVICE_ID, changes=[(at, 1)]) for at in range(0, 60, 3)), *WORK)
        put(f"behind_the_code_{suite}", step(LOGIN, suite), *(
            step(REQUEST, data=DEVICE_ID, changes=[(at, 0x80)], behind=True) for at in range(8)),
            *(step(SEALED, kind, data=b"\x01\0\0\0abc") for kind in (0, 1, 2, 0x10, 0x20)),
            step(SEALED, 1, data=b"x"))
        put(f"cut_{suite}", step(LOGIN, suite), *(
            step(REQUEST, data=DEVICE_ID, changes=[(at, 0)]) for at in range(0, 60, 5)), *WORK)
    put("operator", step(LOGIN, 0, 1), *WORK, step(REQUEST, data=b"\x06\x3b\x03"), *WORK)
    put("nobody", step(LOGIN, 1, 3), step(LOGIN, 0, 2), step(LOGIN, 0, 4), *WORK)
    put("roles", *(step(OPEN, 0, r) + step(RAKP1, 0, r) + step(RAKP3) for r in range(8)), *WORK)
    put("wrong_code", step(OPEN), step(RAKP1), step(RAKP3, changes=[(30, 1)]), *WORK, step(LOGIN))
    put("wrong_status", step(OPEN), step(RAKP1), step(RAKP3, changes=[(17, 2)]), *WORK)
    put("out_of_order", step(RAKP3), step(RAKP1), step(OPEN), step(RAKP3), step(RAKP1), step(RAKP1),
        step(RAKP3), step(RAKP3), step(RAKP3, 1), *WORK)
    put("repeated", step(OPEN), step(REPLAY), step(RAKP1), step(REPLAY), step(RAKP3), step(REPLAY), *WORK,
        step(REPLAY), step(SEQUENCE, 0, 1), WORK[0], step(SEQUENCE, 1, 0), WORK[0], step(SEQUENCE, 0, 9),
        WORK[0], step(SEQUENCE, 0xff, 0), WORK[0])
    put("any_algorithms", *(step(ANY_OPEN, a | i << 4, c) for a in (0, 1, 3, 7) for i in (0, 1, 4, 15)
                            for c in (0, 1, 3, 0xff)), step(RAKP1), step(RAKP3))
    put("many", *(step(SLOT, n % 4, n) + step(LOGIN, n % 2, n % 2) + WORK[0] for n in range(12)))
    put("moves", step(LOGIN), *(step(SLOT, 0, n) + WORK[0] for n in range(16)))
    put("times", step(OPEN), step(TIME, 11), step(RAKP1), step(LOGIN), WORK[0], step(TIME, 59), WORK[0],
        step(TIME, 64), WORK[0])
    put("half_open", *(step(SLOT, n % 4, n) + step(OPEN, n % 2) + step(RAKP1) for n in range(20)),
        step(TIME, 5), step(RAKP3), step(TIME, 20))
    put("changed_users", step(LOGIN), *WORK, step(SLOT, 1), step(LOGIN, 0, 1), WORK[0], step(ADMIN, 0, 5),
        *WORK, step(ADMIN, 0, 1), WORK[0], step(LOGIN), step(ADMIN, 2), WORK[0], step(LOGIN), step(ADMIN, 1),
        WORK[0], step(ADMIN, 3, 1), step(LOGIN), step(TIME, 3), WORK[0], step(ADMIN, 4, 1), step(LOGIN))
    put("session_commands", step(LOGIN), *(step(REQUEST, data=data) for data in (
        b"\x06\x3d\0", b"\x06\x3d\x01", b"\x06\x3d\xfe\x01", b"\x06\x3d\xff\x01\xde\xc0\x5e", b"\x06\x3b\x00",
        b"\x06\x3b\x05", b"\x06\x3c\x02\xde\xc0\x5e", b"\x06\x3c\0\0\0\0\x02", b"\x06\x47\x02\x02" + b"p" * 16,
        b"\x06\x43\x91\x02\x03\0", b"\x06\x45\x02root" + bytes(12), b"\x06\x38\x8e\x04")), CLOSE)
    put("late", step(LOGIN), step(REQUEST, data=b"\0\x02\x03"), step(REPLAY), step(SLOT, 1), step(LATE),
        step(LOGIN), step(REQUEST, data=b"\0\x02\0"), CLOSE, step(LATE, 1))
    put("clear", *(step(CLEAR, data=data) for data in (
        b"\x06\x38\x0e\x04", b"\x06\x38\x0e\x04x", b"\x06\x54\x0e\0\x80", b"\x06\x54\x0e\0\x80x", DEVICE_ID,
        CHASSIS)), step(BYTES, data=b"\x06\0\xff\x06\0\0\x11\xbe\x80\x2a\0\0"), step(BYTES, data=b"\x06\0\xff\x07\x06"))
    for how in (0, 1):
        put(f"lan15_{how}", step(LAN15, 0, how, data=b""), step(LAN15, 1, how | 0x30, data=b""), step(REPLAY),
            *(step(LAN15, 3, how, data=data) for data in (SET_LEVEL, DEVICE_ID, CHASSIS)),
            step(REPLAY), step(LAN15, 4, how, data=DEVICE_ID), step(TIME, 10),
            step(LAN15, 3, how, data=DEVICE_ID, changes=[(13, 1)]),
            step(LAN15, 3, how, data=DEVICE_ID, changes=[(3, 1)], behind=True),
            step(LAN15, 3, how, data=b"\x06\x3c\x01\xde\xc0\x5e"), step(LAN15, 3, how, data=DEVICE_ID))
        put(f"lan15_wrong_{how}", step(LAN15, 2, how | 6, data=b""), step(LAN15, 2, how | 0x40, data=b""),
            step(LAN15, 1, how, data=b"", changes=[(15, 4)]), step(LAN15, 0, how | 2, data=b""),
            step(LAN15, 1, how | 0x10, data=b"", changes=[(0, 1)]), step(LAN15, 3, how, data=DEVICE_ID))


def main():
    with open("tests/unit/vectors.json") as source:
        vectors = json.load(source)
    os.makedirs(TARGET, exist_ok=True)
    raw = lambda text: record(RAW, bytes.fromhex(text))

    write("ping", raw(vectors["asf"]["ping_tag_2a"]))
    write("capabilities", raw(vectors["pre_session"]["get_channel_auth_cap_rq"]["packet"]))
    write("cipher_suites", raw(vectors["pre_session"]["get_channel_cipher_suites_rq_index0"]["packet"]))
    steps = lan15_login()
    for length in range(1, len(steps) + 1):
        write(f"lan15_{length}", *steps[:length])
    for i, transcript in enumerate(vectors["ipmitool_transcripts"]):
        clients = [exchange["client"] for exchange in transcript["exchanges"]]
        for length in (2, 3, 4, 5, len(clients)):
            write(f"transcript_{i}_{length}", *map(raw, clients[:length]))
    for i, entry in enumerate(vectors["get_chassis_status_packets"]):
        if entry["cipher_suite"] in (2, 3, 15, 17):
            suite = (3, 17, 2, 15).index(entry["cipher_suite"])
            packet = bytes.fromhex(entry["request"]["packet"])
            write(f"chassis_{i}", record(RAW_IN_SESSION, packet, suite))
    for i, entry in enumerate(vectors["must_be_dropped"]["cases"]):
        write(f"dropped_{i}", record(RAW_IN_SESSION, bytes.fromhex(entry["packet"])))
    for suite in range(4):
        requests = [
            (0x06, 0x3B, b"\x04"), (0x2C, 0x3E, b"\x00\x02"), (0x06, 0x01, b""),
            (0x00, 0x01, b""), (0x00, 0x02, b"\x01"), (0x00, 0x08, b"\x05\x80\x04\0\0\0"),
            (0x00, 0x09, b"\x05\0\0"), (0x06, 0x3D, b"\0"), (0x06, 0x3C, b"\0\0\0\0\x01"),
        ]
        write(f"messages_{suite}", *messages(requests, suite))
        request = bytes([requests[2][0], requests[2][1], 2]) + requests[2][2]
        write(f"repeats_{suite}", *(record(MESSAGE, request, suite, s) for s in (0, 1, 6, 15)))
        write(f"payloads_{suite}", *(record(PAYLOAD, bytes([kind]) + b"\x01\0\0\0abc", suite)
                                     for kind in (0, 1, 2, 0x10, 0x14, 0x20)))
        sol = [
            (0x06, 0x3B, b"\x04"), (0x06, 0x4E, b"\x0e"), (0x06, 0x4F, b"\x0e\x01"),
            (0x06, 0x4A, b"\x01"), (0x06, 0x48, b"\x01\x01\0\0\0\0"), (0x06, 0x4B, b"\x01\x01"),
            (0x06, 0x49, b"\x01\x01\0\0\0\0"), (0x06, 0x4C, b"\x01\x42\x02\0\0\0"),
            (0x06, 0x4D, b"\x01\x02"), (0x0C, 0x21, b"\x01\x01\x01"), (0x0C, 0x22, b"\x01\x03\0\0"),
        ]
        steps = messages(sol, suite)
        steps.insert(5, record(PAYLOAD, b"\x01\x01\0\0\0abc", suite))
        write(f"sol_{suite}", *steps)
    for name, requests in (("sensors", SENSORS), ("sdr", SDR), ("sel", SEL), ("fru", FRU),
                           ("dcmi", DCMI), ("system", SYSTEM), ("watchdog", WATCHDOG), ("pef", PEF)):
        write(name, *messages(requests))
        write(f"{name}_over_time", *messages(requests, seconds=2))
    for name, how in (("session", IN_SESSION), ("outside", OUTSIDE), ("guest", AS_GUEST)):
        for size, data in (("least", b""), ("ones", b"\x01" * 8), ("more", bytes(range(1, 25)))):
            rows = [record(MESSAGE, bytes([how, n, n % 64]) + data) for n in range(ROWS)]
            write(f"rows_{name}_{size}", record(MESSAGE, b"\x06\x3b\0\x04"), *rows)
    write_sessions()


main()
