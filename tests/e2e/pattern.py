"""Counts bytes: what the ways to a console show beside what the guest said.

usage: pattern.py whole UART_SOCKET PORT     a megabyte, all clients at once, nothing may be missing
       pattern.py slow UART_SOCKET PORT      clients that do not read for a while: what is missing is
                                             what they are told is missing
       pattern.py guest PORT                 a real guest's UART; root is logged in there"""
import os
import re
import select
import subprocess
import sys
import time

from ipmi_client import Session, SolConsole
from terminal import PATIENCE, Console
from uart import ALL, TEXT, Background, Uart, check_gaps, check_whole, common, pattern

GUEST = "g1"
SSH = ("sshpass -p secret ssh -p 6022 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
       " -o LogLevel=ERROR admin@127.0.0.1 console " + GUEST).split()
PIPES = {"vbmc, pipe": ["vbmc", "console", GUEST], "ssh, pipe": SSH}
WHOLE, PACE = 1 << 20, 500_000
SLOW, SLOW_PACE = 6 << 20, 4_000_000  # more than the buffers of all on the way
# FreeIPMI's libipmiconsole acknowledges SOL data before its user has them, holds 16 KB, has no flow
# control, and ends the session with an internal error when that overflows.  Whoever wants to see all
# of what the guest says lets it be no further ahead of what ipmiconsole has shown than this.
AHEAD_MAX = 12 << 10
# To each client of SOL, how many lines of 8 bytes a real guest writes, which does not wait.
GUEST_LINES = {"ipmitool": 60000 if os.environ.get("VBMC_SOAK") else 15000, "ipmiconsole": AHEAD_MAX // 8}


class Pipe:
    """A client whose standard output is a pipe."""

    def __init__(self, name):
        self.name = name
        self.errors = open(name.replace(", ", "-") + ".err", "w+b")
        self.process = subprocess.Popen(PIPES[name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors)
        self.fd = self.process.stdout.fileno()
        self.received = bytearray()

    def read(self):
        self.received += os.read(self.fd, 1 << 16)

    def gaps(self):
        """What it said on standard error about missing bytes."""
        self.errors.seek(0)
        return [int(number) for number in re.findall(rb"\[(\d+) bytes lost\]", self.errors.read())]

    def leave(self):
        self.process.terminate()
        self.process.wait()


class Pty:
    """A client on a terminal, by its name in terminal.COMMANDS."""

    def __init__(self, name, port):
        self.name = name + ", terminal"
        self.console = Console(name, GUEST, port)
        self.fd = self.console.child.child_fd
        self.received = bytearray(self.console.child.buffer)

    def read(self):
        try:
            self.received += os.read(self.fd, 1 << 16)
        except OSError as error:
            raise AssertionError(f"{self.name} has ended: {bytes(self.received[-300:])}") from error

    def leave(self):
        self.console.leave()


class Sol:
    """Our own client, which reads as slowly as it is told."""

    def __init__(self, port):
        self.name = "SOL"
        self.session = Session(port=port)
        self.console = SolConsole(self.session).activate()
        self.fd = self.session.socket.fileno()
        self.received = self.console.output

    def read(self):
        self.console.pump(time.monotonic() + 1)

    def leave(self):
        self.console.deactivate()
        self.session.close()


def read_until(clients, mark, seconds, meanwhile=None):
    """Reads what comes until all clients have shown the mark."""
    deadline = time.monotonic() + seconds * PATIENCE
    waiting = {client.fd: client for client in clients}
    searched = {client.fd: max(0, len(client.received) - (1 << 17)) for client in clients}
    while waiting:
        for fd in select.select(list(waiting), [], [], 0.2)[0]:
            client = waiting[fd]
            client.read()
            if client.received.find(mark, searched[fd]) >= 0:
                del waiting[fd]
            searched[fd] = max(searched[fd], len(client.received) - len(mark))
        if meanwhile:
            meanwhile()
        assert time.monotonic() < deadline, f"{mark} did not come: " + ", ".join(
            f"{client.name} {bytes(client.received[-200:])}" for client in waiting.values())


class Round:
    """Clients that all see what the guest says, from a mark on."""

    count = 0

    def __init__(self, uart, clients):
        Round.count += 1
        self.uart, self.clients = uart, clients
        self.greeting, self.greeted = b"hello %d\r\n" % Round.count, 0
        read_until(clients, self.greeting, 30, self.greet)
        self.begin, self.end = (b"<%s %d>" % (word, Round.count) for word in (b"begin", b"end"))
        uart.say(self.begin)
        read_until(clients, self.begin, 60)

    def greet(self):
        """Again and again, as the clients come one by one; not so often that it is much to read."""
        if time.monotonic() > self.greeted + 0.1:
            self.uart.say(self.greeting)
            self.greeted = time.monotonic()

    def text(self, client):
        """Between the marks."""
        text = bytes(client.received)
        return text[text.index(self.begin) + len(self.begin):text.rindex(self.end)]

    def shown(self, client):
        """How many bytes since the mark the client has shown."""
        return len(client.received) - client.received.index(self.begin) - len(self.begin)

    def say_in_step(self, data, client):
        """Says the data as the client shows them, and reads until all clients have."""
        said = 0

        def say():
            nonlocal said
            room = self.shown(client) + AHEAD_MAX - said
            self.uart.say(data[said:said + room])
            said = min(len(data), said + room)
        say()
        read_until(self.clients, self.end, 300, say)

    def leave(self):
        for client in self.clients:
            client.leave()


def whole(uart, port):
    for sol in ("ipmitool", "ipmiconsole"):
        console = Pty(sol, port)
        clients = [Pipe(name) for name in PIPES]
        clients += [console, *(Pty(name, port) for name in ("vbmc", "ssh"))]
        now = Round(uart, clients)
        sent = pattern(WHOLE, sol, ALL)
        begun = time.monotonic()
        if sol == "ipmiconsole":
            now.say_in_step(sent + now.end, console)
        else:
            with Background(uart.say, sent + now.end, PACE):
                read_until(clients, now.end, 300)
        for client in clients:
            check_whole(client.name, now.text(client), sent)
        now.leave()
        print(f"{len(clients)} clients with {sol} have all of {WHOLE} bytes"
              f" in {time.monotonic() - begun:.1f} s")


LOST = re.compile(rb"(?:\r\n)?\x1b\[0;2m\[(\d+) bytes lost\]\x1b\[0m\r\n")


def check_slow(now, client, sent):
    """What is missing, and in how many places."""
    text = now.text(client)
    if isinstance(client, Sol):
        gaps = check_overruns(client, text, sent, client.received.index(now.begin) + len(now.begin))
    elif isinstance(client, Pipe):
        gaps = client.gaps()
        check_gaps(client.name, text, sent, gaps)
    else:  # told at the very place
        gaps = [int(number) for number in LOST.findall(text)]
        check_gaps(client.name, LOST.sub(b"", text), sent, gaps)
    assert gaps, f"{client.name} lost nothing: the test is too weak"
    print(f"{client.name}: {sum(gaps)} of {len(sent)} bytes lost, as reported, in {len(gaps)} places")


def check_overruns(client, text, sent, offset):
    """Bytes are missing in or in front of the packets that say so, and of each of these."""
    places = {(start - offset, start - offset + size) for start, size in client.console.overran}
    told, gaps, at, lost = set(), [], 0, 0
    while (at := at + common(text[at:], sent[at + lost:])) < len(text):
        found = sent.find(text[at:at + 24], at + lost)
        assert found >= 0, f"{client.name}: {text[at:at + 80]!r} is in the wrong place"
        gaps.append(found - at - lost)
        lost = found - at
        first = at  # the gap is between there and here
        while first > 0 and text[first - 1] == sent[first - 1 + lost]:
            first -= 1
        near = [place for place in places if place[0] <= at and first < place[1]]
        assert near, f"{client.name}: {gaps[-1]} bytes are missing at {at}, not told: {places}"
        told.update(near)
    assert at + lost == len(sent)
    assert told == places, f"{client.name}: nothing is missing at {places - told}"
    return gaps


def slow(uart, port):
    clients = [Pipe(name) for name in PIPES] + [Pty(name, port) for name in ("vbmc", "ssh")]
    clients.append(Sol(port))
    now = Round(uart, clients)
    sent = pattern(SLOW, "slow", TEXT, 0)
    pieces = [sent[at:at + SLOW // 2] for at in (0, SLOW // 2)]
    for piece in pieces:
        uart.say(piece, SLOW_PACE)  # nobody reads
        until = piece[-64:]
        if piece is pieces[-1]:
            uart.say(now.end)
            until = now.end
        read_until(clients, until, 60)
    for client in clients:
        check_slow(now, client, sent)
    now.leave()


def guest(port):
    for sol, lines in GUEST_LINES.items():
        numbers = range(100000, 100000 + lines)
        expected = b"".join(b"%d\r\n" % number for number in numbers)
        clients = [Pipe(name) for name in PIPES] + [Pty(name, port) for name in (sol, "vbmc", "ssh")]
        Round.count += 1
        typist = clients[0].process.stdin
        mark, end = (b"\n%s %d\r\n" % (word, Round.count) for word in (b"begin", b"end"))
        command = b"echo be''gin %d; seq %d %d; echo e''nd %d\r"
        begun = time.monotonic()
        # All are there when they have shown this.
        typist.write(b"while ! [ -e /tmp/go%d ]; do echo hel''lo %d; sleep 1; done &\r"
                     % (Round.count, Round.count))
        typist.flush()
        read_until(clients, b"hello %d\r\n" % Round.count, 30)
        typist.write(b"touch /tmp/go%d; wait; " % Round.count + command
                     % (Round.count, numbers[0], numbers[-1], Round.count))
        typist.flush()
        read_until(clients, end, 60)
        for client in clients:
            text = bytes(client.received)
            text = text[text.index(mark) + len(mark):text.rindex(end) + 1]
            check_whole(client.name, text, expected)
            client.leave()
        print(f"{len(clients)} clients with {sol} have all {len(expected)} bytes of the guest"
              f" in {time.monotonic() - begun:.1f} s")


if sys.argv[1] == "guest":
    guest(int(sys.argv[2]))
else:
    served = Uart(sys.argv[2])
    served.accept()
    {"whole": whole, "slow": slow}[sys.argv[1]](served, int(sys.argv[3]))
