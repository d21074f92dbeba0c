#!/usr/bin/env python3
"""Asks the daemon by its control socket, for what `vbmc` has no verb for or hides.

control_client.py VERB [ARGUMENTS-AS-JSON] [--frames FILE] [--leave-after SECONDS]

Prints the result as JSON; progress and errors go to standard error, an error is exit status 1 and
an answer of usage 2, as with `vbmc`. With --frames, what follows the answer is read as frames
(vbmc/console_frame.h): the guest's output goes to FILE, which is done at the frame of the end.
"""

import argparse
import json
import socket
import struct
import sys

SOCKET = "/run/vbmc/control.sock"
FRAMES_TEXT = {b"N": "notice", b"R": "reply", b"E": "end"}


def read_answer(stream):
    for line in stream:
        answer = json.loads(line)
        if "progress" not in answer:
            return answer
        print("progress:", answer["progress"], file=sys.stderr)
    sys.exit("the daemon closed the connection without an answer")


def read_exactly(stream, size):
    data = stream.read(size)
    if len(data) != size:
        sys.exit("the daemon closed the connection in the midst of a frame")
    return data


def read_frames(stream, path):
    with open(path, "wb") as output:
        while True:
            kind, low, middle, high = struct.unpack("<cBBB", read_exactly(stream, 4))
            payload = read_exactly(stream, low | middle << 8 | high << 16)
            if kind == b"O":
                output.write(payload)
            else:
                print(FRAMES_TEXT.get(kind, kind), payload.decode("utf-8", "replace"), file=sys.stderr)
            if kind == b"E":
                break
    if stream.read(1):
        sys.exit("there is more behind the frame of the end")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb")
    parser.add_argument("arguments", nargs="?", default="{}")
    parser.add_argument("--frames")
    parser.add_argument("--leave-after", type=float)
    options = parser.parse_args()

    connection = socket.socket(socket.AF_UNIX)
    connection.connect(SOCKET)
    request = {"verb": options.verb, "arguments": json.loads(options.arguments)}
    connection.sendall(json.dumps(request).encode() + b"\n")
    if options.leave_after is not None:
        connection.settimeout(options.leave_after)
    with connection.makefile("rb") as stream:
        try:
            answer = read_answer(stream)
        except TimeoutError:
            print("left without an answer", file=sys.stderr)
            return 0
        if not answer["ok"]:
            print(answer["error"], file=sys.stderr)
            return 2 if answer["code"] == "usage" else 1
        print(json.dumps(answer["result"]))
        if options.frames:
            read_frames(stream, options.frames)
    return 0


sys.exit(main())
