"""One take-over, as clients see it: adds records to a BMC's event log and changes settings at the
addresses of the active daemon and of the standby alike, kills the active one in the midst of it, and
goes on until the standby has taken so many.  Before that, what was acknowledged in earlier rounds is
looked for (sel_writers.py).  Who answered when is checked at the end: nobody at the standby's address
before the other daemon was killed, nobody at that one's afterwards."""
import argparse
import os
import random
import signal
import struct
import threading
import time

import sel_writers
from ipmi_client import Refused, Session
from sel_writers import ADD, SETTINGS, STORAGE, Journal

ENOUGH = 10  # answers of the one that took over


class Client(threading.Thread):
    """Writes at one address; logs in anew whenever nobody answers."""

    def __init__(self, address, port, journal, number):
        super().__init__()
        self.address, self.port, self.journal, self.number = address, port, journal, number
        self.answers = []  # when each was asked for and came
        self.stopping = threading.Event()
        self.error = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.try_one_session()
        except Exception as error:  # what is no silence
            self.error = error

    def try_one_session(self):
        try:
            session = Session(self.address, self.port, timeout=0.2)
            session.timeout = 2.0
            session.set_privilege()
            while not self.stopping.is_set():
                asked = time.monotonic()
                self.write(session)
                self.answers.append((asked, time.monotonic()))
        except OSError:  # nobody there, or not any more
            time.sleep(0.02)

    def write(self, session):
        number = len(self.answers)
        if number % 4 == 3:
            self.change(session)
            return
        record = struct.pack("<HBIHBBBB3s", 0xAAAA, 2, 0, 0x0041, 4, 0xC0 + self.number, 0x30, 0x6F,
                             struct.pack("<I", number)[:3])
        code, data = session.request(STORAGE, ADD, record)
        if code == 0xC0:  # busy: its hypervisor is not connected yet
            raise TimeoutError
        assert code == 0 and len(data) == 2, "Add SEL Entry: %02x" % code
        self.journal.note(struct.unpack("<H", data)[0], (data + record[2:]).hex())

    def change(self, session):
        number = max(self.journal.tried.values(), default=0) + 1
        name = list(SETTINGS)[number % len(SETTINGS)]
        value = "%s=%d" % (name, number)
        self.journal.note("tried", value)
        code, _ = session.request(*SETTINGS[name][0](number))
        if code == 0xC0:
            raise TimeoutError
        assert code == 0, "%s: %02x" % (value, code)
        self.journal.note("set", value)


def wait_until(is_so, seconds, what):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "not within %d s: %s" % (seconds, what)
        time.sleep(0.002)


def check(options, journal):
    """At the one that is active now: all that any daemon has acknowledged."""
    session = Session(options.active, options.port, attempts=3, timeout=20)
    session.set_privilege()
    found = sel_writers.list_log(options.name)
    count = sel_writers.check(session, journal, found)
    sel_writers.check_settings(session, journal)
    print("%d records are there, of %d acknowledged ever" % (count, len(journal.used)))


def take_over(options, journal):
    chance = random.Random(options.seed)
    active, standby = clients = [Client(options.active, options.port, journal, 1),
                                 Client(options.standby, options.port, journal, 2)]
    for client in clients:
        client.start()
    try:
        wanted = chance.randint(1, 40)
        wait_until(lambda: len(active.answers) >= wanted or active.error, 60, "answers before the kill")
        time.sleep(chance.uniform(0, 0.01))
        killed = time.monotonic()
        os.kill(options.daemon, signal.SIGKILL)
        wait_until(lambda: standby.answers or standby.error, 10 * options.patience, "an answer of the standby")
        wait_until(lambda: len(standby.answers) >= ENOUGH or standby.error, 60, "more of them")
    finally:
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join()
    for client in clients:
        if client.error:
            raise client.error
    late = [asked for asked, came in active.answers if asked > killed]
    early = [came for asked, came in standby.answers if came < killed]
    assert not late, "%d answers of the one that was killed" % len(late)
    assert not early, "%d answers of the standby before the kill" % len(early)
    print("%d answers, then the kill; the standby answered after %.2f s, %d times"
          % (len(active.answers), standby.answers[0][1] - killed, len(standby.answers)))


def silence(options):
    """Nobody answers at either address for so long."""
    deadline = time.monotonic() + options.silence
    tries = 0
    while time.monotonic() < deadline:
        for address in (options.active, options.standby):
            try:
                Session(address, options.port, timeout=0.1)
            except Refused:
                pass
            except OSError:
                tries += 1
                time.sleep(0.02)
                continue
            raise AssertionError("%s answers" % address)
    print("%d log-ins tried, none answered" % tries)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", default="g1")
    parser.add_argument("--port", type=int, default=6230)
    parser.add_argument("--record", default="acknowledged")
    parser.add_argument("--active", required=True)
    parser.add_argument("--standby", required=True)
    parser.add_argument("--daemon", type=int, help="kill that one")
    parser.add_argument("--silence", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=int, default=1)
    options = parser.parse_args()
    if options.silence:
        silence(options)
        return
    journal = Journal(options.record)
    check(options, journal)
    if options.daemon:
        take_over(options, journal)


if __name__ == "__main__":
    main()
