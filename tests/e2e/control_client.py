#!/usr/bin/python3
"""Asks the daemon by its control socket, for what `vbmc` has no verb for or hides.

control_client.py VERB [ARGUMENTS-AS-JSON] [--frames FILE [STEP...]] [--leave-after SECONDS]

Prints the result as JSON; progress and errors go to standard error, an error is exit status 1 and
an answer of usage 2, as with `vbmc`. With --frames, what follows the answer is read as frames
(vbmc/control/console_frame.h): the guest's output goes to FILE, which is done at the frame of the end, or
when all steps are done. A step is one of --until REGEX (in the output, behind that of the step
before), --type TEXT, --break.
"""

import argparse
import json
import re
import socket
import struct
import sys

SOCKET = "/run/vbmc/control.sock"
FRAMES_TEXT = {b"N": "notice", b"R": "reply", b"D": "dropped", b"E": "end"}


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


class Frames:
    """What follows the answer, in both directions."""

    def __init__(self, connection, stream, output):
        self.connection, self.stream, self.output = connection, stream, output
        self.unmatched = b""
        self.ended = False

    def send(self, kind, payload=b""):
        self.connection.sendall(kind + struct.pack("<I", len(payload))[:3] + payload)

    def read(self):
        kind, low, middle, high = struct.unpack("<cBBB", read_exactly(self.stream, 4))
        payload = read_exactly(self.stream, low | middle << 8 | high << 16)
        if kind == b"O":
            self.output.write(payload)
            self.unmatched += payload
        else:
            print(FRAMES_TEXT.get(kind, kind), payload.decode("utf-8", "replace"), file=sys.stderr)
        self.ended = kind == b"E"
        return kind, payload

    def until(self, regex):
        while not (match := re.search(regex.encode(), self.unmatched)):
            if self.ended:
                sys.exit(f"ended before {regex} came")
            self.read()
        self.unmatched = self.unmatched[match.end() :]

    def send_break(self):
        self.send(b"B")
        kind = payload = None
        while kind != b"R":
            kind, payload = self.read()
        if payload:
            sys.exit("the break was refused")

    def to_the_end(self):
        while not self.ended:
            self.unmatched = b""
            self.read()
        if self.stream.read(1):
            sys.exit("there is more behind the frame of the end")


def take_steps(frames, steps):
    for step, value in steps:
        if step == "until":
            frames.until(value)
        elif step == "type":
            frames.send(b"I", value.encode())
        else:
            frames.send_break()
    if not steps:
        frames.to_the_end()


class Step(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        namespace.steps = [*namespace.steps, (option_string.lstrip("-"), values)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb")
    parser.add_argument("arguments", nargs="?", default="{}")
    parser.add_argument("--frames")
    parser.add_argument("--leave-after", type=float)
    parser.add_argument("--until", action=Step)
    parser.add_argument("--type", action=Step)
    parser.add_argument("--break", action=Step, nargs=0)
    parser.set_defaults(steps=[])
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
            with open(options.frames, "wb") as output:
                take_steps(Frames(connection, stream, output), options.steps)
    return 0


sys.exit(main())
