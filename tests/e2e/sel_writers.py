"""Adds records to a BMC's event log from several sessions at once while another one changes settings,
kills the daemon in the midst of it at a moment that the seed decides, and checks at the start that all
of earlier runs is there.  What was acknowledged is kept in a file from run to run: "ID HEX" for each
record, "seen ID" for one that came to be without an answer, "clear 0", "set NAME=N" for the value of a
setting, "tried NAME=N" for one that was asked for."""
import argparse
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time

from ipmi_client import Session

STORAGE = 0x0A
GET_INFO, RESERVE, GET, ADD, CLEAR = 0x40, 0x42, 0x43, 0x44, 0x47
WRITERS = 4
CAPACITY = 4096


def ask(session, netfn, command, data=b""):
    code, answer = session.request(netfn, command, data)
    assert code == 0, "%02x.%02x: %02x" % (netfn, command, code)
    return answer


# Each: the request for the N-th value, and whether the BMC has that one.  User 5 is nobody else.
SETTINGS = {
    "policy": (lambda n: (0x00, 0x06, bytes([n % 3])),
               lambda s, n: (ask(s, 0x00, 0x01)[0] >> 5) & 3 == n % 3),
    "boot": (lambda n: (0x00, 0x08, bytes([5, 0xC0, (1 + n % 2) << 2, 0, 0, 0])),
             lambda s, n: ask(s, 0x00, 0x09, b"\5\0\0")[3] == (1 + n % 2) << 2),
    "threshold": (lambda n: (0x04, 0x26, bytes([1, 0x10, 0, 0, 0, 0, 0x24 + n % 10, 0])),
                  lambda s, n: ask(s, 0x04, 0x27, b"\1")[5] == 0x24 + n % 10),
    "name": (lambda n: (0x06, 0x45, b"\5" + b"u%015d" % n),
             lambda s, n: ask(s, 0x06, 0x46, b"\5") == b"u%015d" % n),
    "password": (lambda n: (0x06, 0x47, b"\5\2" + b"p%015d" % n),
                 lambda s, n: s.request(0x06, 0x47, b"\5\3" + b"p%015d" % n)[0] == 0),
}


def connect(port):
    session = Session(port=port, attempts=3, timeout=20)
    session.set_privilege()
    return session


def list_log(name):
    """The same by the control socket, which is faster."""
    rows = json.loads(subprocess.check_output(["vbmc", "sel", name, "-f", "json"]))
    return {row["id"]: bytes.fromhex(row["raw"]) for row in rows}


def read_log(session):
    """All records in the log's order, by IPMI: {id: bytes}."""
    found, wanted = {}, 0
    while wanted != 0xFFFF:
        code, data = session.request(STORAGE, GET, struct.pack("<HHBB", 0, wanted, 0, 0xFF))
        if code == 0xCB and not found:
            break
        assert code == 0, "Get SEL Entry %04x: %02x" % (wanted, code)
        wanted, record = struct.unpack("<H", data[:2])[0], data[2:]
        record_id = struct.unpack("<H", record[:2])[0]
        assert record_id not in found, "%04x is there twice" % record_id
        found[record_id] = record
    return found


class Journal:
    """What the daemon has acknowledged."""

    def __init__(self, path):
        self.path = path
        self.records = {}  # those that have to be there
        self.used = set()  # every id that was ever seen
        self.values = {}  # of settings: the number that has to be there
        self.tried = {}  # or that one, since it was asked for later
        self.lock = threading.Lock()
        if os.path.exists(path):
            with open(path) as lines:
                for line in lines:
                    self.take(*line.split())
        self.file = open(path, "a")

    def take(self, what, value):
        if what == "seen":
            self.used.add(int(value))
        elif what == "clear":
            self.records = {}
        elif what in ("set", "tried"):
            name, number = value.split("=")
            self.tried[name] = int(number)
            if what == "set":
                self.values[name] = int(number)
        else:
            assert int(what) not in self.used, "id %s was given twice" % what
            self.used.add(int(what))
            self.records[int(what)] = bytes.fromhex(value)

    def note(self, what, value):
        with self.lock:
            self.take(str(what), str(value))
            self.file.write("%s %s\n" % (what, value))
            self.file.flush()


def check_records(journal, found):
    """Each acknowledged record is there.  The oldest may have made room."""
    missing = [record_id for record_id in journal.records if record_id not in found]
    room_made = len(found) == CAPACITY
    oldest = min(found) if found else 0
    lost = [record_id for record_id in missing if not (room_made and record_id < oldest)]
    assert not lost, "acknowledged and lost: %s" % lost
    for record_id, record in journal.records.items():
        if record_id in found:
            # The BMC has set the time.
            assert found[record_id][:3] + found[record_id][7:] == record[:3] + record[7:], \
                "%04x was %s and is %s" % (record_id, record.hex(), found[record_id].hex())
    for record_id in found:
        if record_id not in journal.used:  # stored, but the answer never came
            journal.note("seen", record_id)


def check(session, journal, found):
    check_records(journal, found)
    code, info = session.request(STORAGE, GET_INFO)
    assert code == 0 and min(len(found), CAPACITY - 1) == struct.unpack("<H", info[1:3])[0], \
        (len(found), info)
    return len(found)


def check_settings(session, journal):
    """Each is what was acknowledged last, or what was asked for since without an answer."""
    for name, number in journal.values.items():
        tried = journal.tried[name]
        has_value = SETTINGS[name][1]
        there = [n for n in (tried, number) if has_value(session, n)]
        assert there, "%s is neither %d nor %d" % (name, number, tried)
        journal.note("set", "%s=%d" % (name, there[0]))


class Client(threading.Thread):
    """One that acts until the daemon is gone."""

    def __init__(self, port, journal, number, stopping):
        super().__init__()
        self.session = connect(port)
        self.session.timeout = 60
        self.session.attempts = 1
        self.journal, self.number, self.stopping = journal, number, stopping
        self.added, self.error = 0, None

    def run(self):
        try:
            while True:
                self.act()
        except AssertionError as error:
            self.error = error
        except OSError as error:
            if not self.stopping.is_set():
                self.error = "%r although nobody killed the daemon" % error

    def end(self):
        """What is sent to a port that nobody has comes back as an error, which ends the waiting."""
        while self.is_alive():
            try:
                self.session.socket.send(b"")
            except OSError:
                pass
            self.join(0.01)


class Writer(Client):
    def act(self):
        record = struct.pack("<HBIHBBBB3s", 0xAAAA, 2, 0, 0x0041, 4, 0xC0 + self.number, 0x30, 0x6F,
                             struct.pack("<I", self.added)[:3])
        code, data = self.session.request(STORAGE, ADD, record)
        assert code == 0 and len(data) == 2, "Add SEL Entry: %02x" % code
        self.journal.note(struct.unpack("<H", data)[0], (data + record[2:]).hex())
        self.added += 1


class Changer(Client):
    def act(self):
        number = max(self.journal.tried.values(), default=0) + 1
        name = list(SETTINGS)[number % len(SETTINGS)]
        value = "%s=%d" % (name, number)
        self.journal.note("tried", value)
        code, _ = self.session.request(*SETTINGS[name][0](number))
        assert code == 0, "%s: %02x" % (value, code)
        self.journal.note("set", value)
        self.added += 1


def kill_while_writing(port, daemon, journal, chance, most):
    """The number of records that were acknowledged, and that of settings."""
    stopping = threading.Event()
    writers = [Writer(port, journal, number, stopping) for number in range(WRITERS)]
    changer = Changer(port, journal, WRITERS, stopping)
    clients = writers + [changer]
    for client in clients:
        client.start()
    wanted = chance.randint(1, most)
    deadline = time.monotonic() + 300
    while sum(writer.added for writer in writers) < wanted and time.monotonic() < deadline:
        time.sleep(0.0005)
    time.sleep(chance.uniform(0, 0.005))  # anywhere in the course of a commit
    stopping.set()
    os.kill(daemon, signal.SIGKILL)
    for client in clients:
        client.end()
    errors = [str(client.error) for client in clients if client.error]
    assert not errors, errors
    added = sum(writer.added for writer in writers)
    assert added >= wanted, "%d records in 300 s" % added
    return added, changer.added


def clear(session, journal):
    """With no writers about, so that it is known what went."""
    code, data = session.request(STORAGE, RESERVE)
    assert code == 0
    code, data = session.request(STORAGE, CLEAR, data + b"CLR\xaa")
    assert (code, data) == (0, b"\x01"), (code, data)
    journal.note("clear", 0)
    found = read_log(session)
    assert len(found) == 1, found
    (record_id, record), = found.items()
    assert record_id not in journal.used
    assert record[10:14] == bytes([0x10, 0x44, 0x6F, 0x02]), record.hex()
    journal.note(record_id, record.hex())


def work(options, journal, daemon, seed, clearing):
    """A round with that daemon, which is started anew for each and is killed in it; without one all
    is checked, and nothing is changed."""
    session = connect(options.port)
    found = list_log(options.name)
    count = check(session, journal, found)
    check_settings(session, journal)
    if not daemon:
        assert read_log(session) == found
        return "%d records, %d ids given, none twice" % (count, len(journal.used))
    if clearing:
        clear(session, journal)
    added, changed = kill_while_writing(options.port, daemon, journal, random.Random(seed),
                                        options.most)
    return "round %d: %d records before, %d added, %d settings changed" % (
        seed, count, added, changed)


def main():
    """For each line of standard input, which is a daemon's pid (0: none), a seed and whether to clear
    the log first (0 or 1), a line when that is done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--record", required=True)
    parser.add_argument("--most", type=int, default=1)  # records; all rounds may not use up the ids
    options = parser.parse_args()
    for line in sys.stdin:
        daemon, seed, clearing = (int(word) for word in line.split())
        journal = Journal(options.record)  # as an earlier process has left it
        print(work(options, journal, daemon, seed, clearing), flush=True)
        journal.file.close()


if __name__ == "__main__":
    main()
