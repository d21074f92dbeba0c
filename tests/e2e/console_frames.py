#!/usr/bin/python3
"""A client of the verb "console" of the control socket, for tests: the frames of
vbmc/control/console_frame.h, nothing hidden.

As a module: Console. As a program it keeps a console open for a test in shell: the guest's output
goes to a log file, notices and the like to it as lines "[notice: text]", and what is written to a
FIFO is typed.

Usage: console_frames.py NAME --log FILE [--fifo FIFO] [--history LINES] [--log-mode] [--no-follow]
Ends with the console.
"""
import argparse
import json
import os
import re
import selectors
import socket
import struct
import time

SOCKET = "/run/vbmc/control.sock"
NAMES = {"L": "lost", "N": "notice", "R": "reply", "D": "dropped", "E": "end"}


class Refused(Exception):
    """The daemon's answer was an error."""


class Timeout(Exception):
    pass


def connect(path=SOCKET):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    return connection


class Console:
    """`output` is all that the guest said, `lost` how many bytes were reported missing, `events`
    the frames in their order as (kind, payload), output included; `ended` is the reason of the end
    frame, None before."""

    def __init__(self, name, path=SOCKET, keep_events=True, **arguments):
        self.socket = connect(path)
        self.pending = bytearray()
        self.output = bytearray()
        self.received = 0  # bytes of output, also those dropped from `output` by the test
        self.lost = 0
        self.events = []
        self.keep_events = keep_events
        self.ended = None
        self.closed = False
        self.searched = 0
        request = {"verb": "console", "arguments": dict(arguments, name=name)}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while b"\n" not in self.pending:
            self._receive(60)
        line, _, rest = bytes(self.pending).partition(b"\n")
        self.pending = bytearray()
        answer = json.loads(line)
        if not answer["ok"]:
            raise Refused(answer["code"], answer["error"])
        self.result = answer["result"]
        self._take(rest)

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()

    def _receive(self, seconds):
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(1 << 20)
        except socket.timeout:
            return False
        except ConnectionResetError:
            data = b""
        if not data:
            self.closed = True
            return False
        self.pending += data
        return True

    def _take(self, data):
        """Takes the frames that are complete."""
        self.pending += data
        at = 0
        while len(self.pending) - at >= 4:
            size = int.from_bytes(self.pending[at + 1:at + 4], "little")
            if len(self.pending) - at < 4 + size:
                break
            payload = bytes(self.pending[at + 4:at + 4 + size])
            self._frame(chr(self.pending[at]), payload)
            at += 4 + size
        del self.pending[:at]

    def _frame(self, kind, payload):
        assert self.ended is None, "a frame after the end: %r" % ((kind, payload),)
        if kind == "O":
            assert payload, "an empty frame of output"
            self.output += payload
            self.received += len(payload)
        elif kind == "L":
            self.lost += struct.unpack("<Q", payload)[0]
        elif kind == "E":
            self.ended = payload.decode()
        if self.keep_events:
            self.events.append((kind, payload))

    def read(self, seconds=0):
        """Waits for something at most so long. False when nothing came."""
        if self.closed or not self._receive(seconds):
            return False
        self._take(b"")
        return True

    def send(self, kind, payload=b""):
        size = len(payload).to_bytes(3, "little")
        self.socket.settimeout(None)
        self.socket.sendall(kind.encode() + size + payload)

    def type(self, text):
        self.send("I", text if isinstance(text, bytes) else text.encode())

    def texts(self, kind="N"):
        return [payload.decode() for k, payload in self.events if k == kind]

    def wait(self, condition, seconds, what="that"):
        """Until condition() is true."""
        end = time.monotonic() + seconds * float(os.environ.get("VBMC_PATIENCE", 1))
        while not condition():
            left = end - time.monotonic()
            if left <= 0 or self.closed:
                raise Timeout("%s did not come %s; output ends %r, texts %r" % (
                    what, "before the end" if self.closed else "in time",
                    bytes(self.output[-300:]), self.events_text()))
            self.read(left)

    def events_text(self):
        return [(k, p.decode(errors="replace")) for k, p in self.events if k in "NRE"][-20:]

    def expect(self, pattern, seconds=60):
        """Waits for the guest to say what matches, beyond what the last expect() found."""
        expression = re.compile(pattern if isinstance(pattern, bytes) else pattern.encode())
        found = []

        def condition():
            found[:] = [expression.search(self.output, self.searched)]
            return found[0] is not None
        self.wait(condition, seconds, repr(pattern))
        self.searched = found[0].end()
        return found[0]

    def expect_text(self, part, kind="N", seconds=60, beyond=0):
        """Waits for a notice (or another frame of text) that contains `part`, beyond the first so
        many of its kind."""
        self.wait(lambda: any(part in text for text in self.texts(kind)[beyond:]), seconds,
                  "%s %r" % (NAMES[kind], part))

    def run(self, command, seconds=60):
        """Runs a command at the prompt '~ # ' of the test guest; its output."""
        self.type(command + "\n")
        self.expect(re.escape(command) + r"\r*\n", 60)
        begin = self.searched
        match = self.expect(r"~ # ", seconds)
        return bytes(self.output[begin:match.start()])

    def log_in(self, seconds=60):
        self.type("\n")
        self.expect("login: $", seconds)
        self.type("root\n")
        self.expect("Password: *$", seconds)
        self.type("vbmc\n")
        self.expect("~ # ", seconds)


def call(verb, path=SOCKET, **arguments):
    """Another request on a connection of its own; its result."""
    with connect(path) as connection:
        connection.sendall(json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n")
        answer = connection.makefile().readline()
    answer = json.loads(answer)
    if not answer["ok"]:
        raise Refused(answer["code"], answer["error"])
    return answer["result"]


def write_log(log, console, seen):
    """Frames from number `seen` on."""
    for kind, payload in console.events[seen:]:
        if kind == "O":
            os.write(log, payload)
        elif kind == "L":
            os.write(log, b"[lost: %d]\n" % struct.unpack("<Q", payload)[0])
        else:
            os.write(log, b"[%s: %s]\n" % (NAMES[kind].encode(), payload))
    return len(console.events)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--log", required=True)
    parser.add_argument("--fifo")
    parser.add_argument("--history", type=int, default=0)
    parser.add_argument("--log-mode", action="store_true")
    parser.add_argument("--no-follow", action="store_true")
    args = parser.parse_args()
    console = Console(args.name, lines=args.history, log=args.log_mode, follow=not args.no_follow)
    log = os.open(args.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    selector = selectors.DefaultSelector()
    selector.register(console, selectors.EVENT_READ)
    fifo = None
    if args.fifo:
        if not os.path.exists(args.fifo):
            os.mkfifo(args.fifo, 0o600)
        # Read and write: the writers may come and go without an end of file.
        fifo = os.open(args.fifo, os.O_RDWR)
        selector.register(fifo, selectors.EVENT_READ)
    seen = write_log(log, console, 0)
    while not console.closed:
        for key, _ in selector.select():
            if key.fileobj is console:
                console.read(1)
            else:
                console.type(os.read(fifo, 4096))
        seen = write_log(log, console, seen)


if __name__ == "__main__":
    main()
