"""Clients of a BMC whose guest g1 is migrated from host a to b and back, again and again: status and sensors
are polled, actions asked for, records added to the event log, another hypervisor comes and goes by reloads, and
the console is open all the time.
usage: migrate.py PORT ROUNDS URI_A URI_B
       migrate.py hold URI_A URI_B      begins a migration from a to b, and stops it on its way

The guest numbers its lines and tells what was typed (counter.S).  Every request is sent once and has to be
answered."""
import collections
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time

import pexpect
from ipmi_client import Session
from sel_writers import list_log
from terminal import Console

PATIENCE = float(os.environ.get("VBMC_PATIENCE", "1"))
OK, BUSY = 0x00, 0xC0
SYS_POWER, POWER_UNIT = 0x20, 0x41
WAYS = ((), ("--persistent", "--undefinesource"), ("--persistent",), ("--p2p",))
LINE = re.compile(rb"([0-9a-f]{8})(?: (.))?\r\n")


def run(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120 * PATIENCE)
    assert done.returncode == 0, (words, done.stdout)
    return done.stdout


def wait_until(what, is_so, seconds=60):
    deadline = time.monotonic() + seconds * PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "not within %d s: %s" % (seconds, what)
        time.sleep(0.05)


class Actor(threading.Thread):
    """`act` is called all the time, with a pause in between."""
    pause = 0.02

    def __init__(self):
        super().__init__(daemon=True)
        self.ended, self.failure = False, None
        self.counts = collections.Counter()

    def run(self):
        try:
            while not self.ended:
                self.act()
                time.sleep(self.pause)
            self.close()
        except Exception as error:
            self.failure = error

    def close(self):
        pass

    def end(self):
        self.ended = True
        self.join()
        print(type(self).__name__, dict(self.counts))
        if self.failure:
            raise self.failure


class Reloader(Actor):
    """Puts one more hypervisor into the configuration, and takes it out again."""
    pause = 0.5

    def __init__(self):
        super().__init__()
        with open("vbmc.conf", encoding="ascii") as file:
            self.whole = file.read()

    def reload(self, more):
        with open("vbmc.conf", "w", encoding="ascii") as file:  # keeps its owner and mode
            file.write(self.whole + more)
        run("vbmc", "reload")

    def act(self):
        self.reload("[hypervisor more]\nuri = test:///default\n")
        wait_until("its guest has a BMC", lambda: "running on more" in subprocess.run(
            ("vbmc", "show", "test", "-f", "value"), capture_output=True, text=True, check=False).stdout)
        self.reload("")
        wait_until("it is gone", lambda: "hypervisors.more" not in run("vbmc", "status", "-f", "value"))
        self.counts["reloads"] += 2


class Client(Actor):
    """One session; the longest that an answer took is kept."""

    def __init__(self, port):
        super().__init__()
        self.session = Session(port=port, timeout=60 * PATIENCE)
        self.session.set_privilege()
        self.slowest = 0

    def ask(self, netfn, command, data=b"", allowed=(OK,)):
        began = time.monotonic()
        code, answer = self.session.request(netfn, command, data)
        self.slowest = max(self.slowest, time.monotonic() - began)
        assert code in allowed, "%02x.%02x: %02x" % (netfn, command, code)
        self.counts["%02x.%02x: %02x" % (netfn, command, code)] += 1
        return answer if code == OK else None

    def close(self):
        self.session.close()
        self.counts["slowest, in ms"] = round(self.slowest * 1000)


class Operator(Client):
    """Power status, and "power up", which does nothing to a guest that is on."""

    def act(self):
        status = self.ask(0x00, 0x01, allowed=(OK, BUSY))
        assert not status or status[0] & 1, "the guest is said to be off"
        self.ask(0x00, 0x02, b"\1", allowed=(OK, BUSY))


class Watcher(Client):
    """Readings, and the sensor of the server's power, which has the offset "off"."""

    def act(self):
        reading = self.ask(0x04, 0x2D, bytes([SYS_POWER]))
        self.counts["readings that are there" if not reading[1] & 0x20 else "not there"] += 1
        unit = self.ask(0x04, 0x2D, bytes([POWER_UNIT]))
        assert not unit[2] & 1 or unit[1] & 0x20, "the power unit is said to be off"


class Recorder(Client):
    """Adds numbered records, no more than the log holds."""
    pause = 0.1
    added = 0

    def act(self):
        if self.added == 4000:
            return
        record = struct.pack("<HBIHBBBB3s", 0, 2, 0, 0x41, 4, 0xC0, 0x30, 0x6F,
                             struct.pack("<I", self.added)[:3])
        self.ask(0x0A, 0x44, record)
        self.added += 1

    def check(self):
        """Nothing else is in the log, but that it was cleared."""
        records = list(list_log("g1").values())[1:]
        others = [record.hex() for record in records if record[11:13] != b"\x30\x6f"]
        assert not others, others
        found = [struct.unpack("<I", record[13:16] + b"\0")[0] for record in records]
        assert found == list(range(self.added)), (self.added, found)


class Watched:
    """ipmitool's console; all that it shows is kept."""

    def __init__(self, port):
        self.console = Console("ipmitool", "g1", port)
        self.console.expect(rb"SOL Session operational.*\n")
        self.shown, self.ended = bytearray(), False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while not self.ended:
            try:
                self.shown += self.console.child.read_nonblocking(65536, timeout=0.2)
            except (pexpect.TIMEOUT, pexpect.EOF):
                if not self.console.child.isalive():
                    return

    def lines(self):
        """All whole ones but the first, which may be the end of one."""
        return self.shown[self.shown.index(b"\n") + 1:self.shown.rindex(b"\n") + 1]

    def has_come(self, key):
        return b" %c\r\n" % key in self.shown

    def type(self, key):
        """What is typed while the console is on its way to the other port is lost: then again."""
        self.console.type(bytes([key]))
        again = time.monotonic() + 10 * PATIENCE
        wait_until("what was typed arrives", lambda: self.has_come(key) or time.monotonic() > again)
        if not self.has_come(key):
            self.console.type(bytes([key]))
            wait_until("what was typed again arrives", lambda: self.has_come(key))

    def check(self):
        self.ended = True
        self.thread.join()
        assert self.console.leave() == 0
        numbers, broken = [], []
        for text in self.lines().splitlines(True):
            line = LINE.fullmatch(text)
            if line:
                numbers.append(int(line[1], 16))
            else:
                broken.append(text)
        pairs = list(zip(numbers, numbers[1:]))
        assert all(before < after for before, after in pairs), "a line came twice"
        lost = ["%08x after %08x" % (after, before) for before, after in pairs if after != before + 1]
        print("%d lines, none twice, lost: %s %s" % (len(numbers), lost, broken))
        # QEMU drops what nobody reads: on a busy machine the port of the target may be joined too late.
        assert not (lost or broken) or not os.environ.get("VBMC_SOAK")


def migration(source, target, target_name):
    """The command, after which the guest has that host's serial port."""
    other = {"a": "b", "b": "a"}[target_name]
    with open("moving.xml", "w", encoding="ascii") as file:
        file.write(run("virsh", "-c", source, "dumpxml", "--migratable", "g1")
                   .replace("/%s.sock" % other, "/%s.sock" % target_name))
    return ("virsh", "-c", source, "migrate", "--live", "g1", target, "--migrateuri",
            "tcp://127.0.0.1", "--xml", "moving.xml")


def is_joined(path):
    """Somebody is connected to that socket (/proc/net/unix: states 2 and 3)."""
    with open("/proc/net/unix", encoding="ascii") as file:
        sockets = [line.split() for line in file]
    return any(line[-1].endswith(path) and line[5] != "01" for line in sockets)


def hold(uris):
    """Begins to migrate from a to b; when the port of the console is joined there, the QEMU there is stopped.
    The one that migrates, and the process that is stopped."""
    words = migration(uris["a"], uris["b"], "b")
    mover = subprocess.Popen([*words, "--bandwidth", "1"], stdin=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    wait_until("the console joins at b", lambda: is_joined("/b.sock"))
    stopped = int(run("pgrep", "-nf", "guest=g1,"))
    os.kill(stopped, signal.SIGSTOP)
    return mover, stopped


def fail_on_the_way(port, uris, watched, key):
    """The guest waits on a, and may not be touched; then the other end dies, and it goes on there."""
    mover, stopped = hold(uris)
    client = Operator(port)
    wait_until("it waits", lambda: client.session.request(0x00, 0x02, b"\1")[0] == BUSY)
    for action in range(6):
        client.ask(0x00, 0x02, bytes([action]), allowed=(BUSY,))
    client.ask(0x00, 0x01)
    os.kill(stopped, signal.SIGKILL)
    assert mover.wait() != 0
    wait_until("it goes on", lambda: client.session.request(0x00, 0x02, b"\1")[0] == OK)
    client.session.close()
    watched.type(key)


def main():
    if sys.argv[1] == "hold":
        hold({"a": sys.argv[2], "b": sys.argv[3]})
        return
    port, rounds = int(sys.argv[1]), int(sys.argv[2])
    uris = {"a": sys.argv[3], "b": sys.argv[4]}
    watched = Watched(port)
    watched.type(ord("0"))
    clients = [Operator(port), Watcher(port), Recorder(port), Reloader()]
    for client in clients:
        client.start()
    keys = iter(range(ord("A"), ord("A") + 2 * rounds + 1))
    for number in range(rounds):
        for source, target in ("ab", "ba"):
            began = time.monotonic()
            run(*migration(uris[source], uris[target], target), *WAYS[number % len(WAYS)])
            wait_until("it runs on " + target,
                       lambda: "running on " + target in run("vbmc", "show", "g1", "-f", "value"))
            watched.type(next(keys))
            print("round %d: to %s, %.1f s" % (number + 1, target, time.monotonic() - began), flush=True)
    fail_on_the_way(port, uris, watched, next(keys))
    for client in clients:
        client.end()
    watched.check()
    clients[2].check()


main()
