#!/usr/bin/env python3
"""Writes the seed inputs of fuzz_datagram into tests/fuzz/corpus/datagram/ from the vectors.

Run from the top: tests/fuzz/make_corpus.py"""

import json
import os
import struct

RAW, RAW_IN_SESSION, MESSAGE, PAYLOAD = range(4)
TARGET = "tests/fuzz/corpus/datagram"


def record(mode, data, suite=0, seconds=0):
    return struct.pack("<BH", mode | suite << 2 | seconds << 4, len(data)) + data


def write(name, *records):
    with open(os.path.join(TARGET, name), "wb") as out:
        out.write(b"".join(records))


def main():
    with open("tests/unit/vectors.json") as source:
        vectors = json.load(source)
    os.makedirs(TARGET, exist_ok=True)
    raw = lambda text: record(RAW, bytes.fromhex(text))

    write("ping", raw(vectors["asf"]["ping_tag_2a"]))
    write("capabilities", raw(vectors["pre_session"]["get_channel_auth_cap_rq"]["packet"]))
    write("cipher_suites", raw(vectors["pre_session"]["get_channel_cipher_suites_rq_index0"]["packet"]))
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
        messages = [bytes([netfn, command, n]) + data
                    for n, (netfn, command, data) in enumerate(requests)]
        write(f"messages_{suite}", *(record(MESSAGE, message, suite) for message in messages))
        write(f"repeats_{suite}", *(record(MESSAGE, messages[2], suite, s) for s in (0, 1, 6, 15)))
        write(f"payloads_{suite}", *(record(PAYLOAD, bytes([kind]) + b"\x01\0\0\0abc", suite)
                                     for kind in (0, 1, 2, 0x10, 0x14, 0x20)))
        sol = [
            (0x06, 0x3B, b"\x04"), (0x06, 0x4E, b"\x0e"), (0x06, 0x4F, b"\x0e\x01"),
            (0x06, 0x4A, b"\x01"), (0x06, 0x48, b"\x01\x01\0\0\0\0"), (0x06, 0x4B, b"\x01\x01"),
            (0x06, 0x49, b"\x01\x01\0\0\0\0"), (0x06, 0x4C, b"\x01\x42\x02\0\0\0"),
            (0x06, 0x4D, b"\x01\x02"), (0x0C, 0x21, b"\x01\x01\x01"), (0x0C, 0x22, b"\x01\x03\0\0"),
        ]
        steps = [record(MESSAGE, bytes([netfn, command, n]) + data, suite)
                 for n, (netfn, command, data) in enumerate(sol)]
        steps.insert(5, record(PAYLOAD, b"\x01\x01\0\0\0abc", suite))
        write(f"sol_{suite}", *steps)


main()
