"""Everything that can befall a daemon, at once and at random, in rounds.  In each, clients change things
and note what is acknowledged, while the world around them breaks in any order and is mended; at its
end, mostly after a kill -9, it is left in peace, and then all has to be true and right.

all_together.py --seconds N --seed N --guests q1,q2 --talking g1 --ports g1=6230,q1=6231,...
"""
import argparse
import heapq
import random
import struct
import subprocess
import time

from ipmi_client import Refused, SolConsole
from sel_writers import SETTINGS, Journal, check_records, check_settings, list_log
from fault_injection import Actor, Gone, SlowReader, TalkingGuest, World, run, wait_until

YEAR = 31556952
ON, OFF, CYCLE, RESET = 1, 0, 2, 3  # Chassis Control
# How long libvirtd may take, once it has been started again, for a guest in whose start it was killed: it
# waits half a minute for its QEMU.
SETTLES_S = 150


class Recorder(Actor):
    """Adds to the event log and changes settings."""

    def __init__(self, world, bmc, pause):
        super().__init__(world, "recorder of " + bmc, bmc)
        self.journal = Journal("acknowledged." + bmc)
        self.named = []  # numbers of the names that were acknowledged since the last check
        self.chance = random.Random(bmc)
        self.between = pause

    def act(self, session):
        if self.chance.random() < 0.6:
            self.add_record(session)
        else:
            self.change_setting(session)
        time.sleep(self.between)

    def add_record(self, session):
        record = struct.pack("<HBIHBBBB3s", 0, 2, 0, 0x41, 4, 0xC0, 0x30, 0x6F,
                             struct.pack("<I", self.done)[:3])
        code, data = session.request(0x0A, 0x44, record)
        if code == 0:
            self.journal.note(struct.unpack("<H", data)[0], (data + record[2:]).hex())
        self.count(code)

    def change_setting(self, session, name=None):
        number = max(self.journal.tried.values(), default=0) + 1
        name = name or list(SETTINGS)[number % len(SETTINGS)]
        value = "%s=%d" % (name, number)
        self.journal.note("tried", value)
        code, _ = session.request(*SETTINGS[name][0](number))
        if code == 0:
            self.journal.note("set", value)
            if name == "name":
                self.named.append(number)
        self.count(code)
        return code

    def count(self, code):
        self.done += code == 0
        self.refused += code != 0

    def check(self, session):
        wait_until("%s: the guest's state is known" % self.bmc,
                   lambda: session.request(0x00, 0x01)[0] == 0, SETTLES_S)
        check_records(self.journal, list_log(self.bmc))
        check_settings(session, self.journal)
        accounts = self.world.audited("account", self.bmc)
        for number in self.named:
            detail = "5: name 'u%015d'" % number
            times = accounts.count(detail)
            assert times == 1 or (times == 0 and self.world.has_log_instead(detail)), \
                "%s: %s is in the audit trail %d times" % (self.bmc, detail, times)
        self.named = []
        for name in SETTINGS:
            wait_until("%s: %s can be set again" % (self.bmc, name),
                       lambda name=name: self.change_setting(session, name) == 0)


class Operator(Actor):
    """Powers a guest on and off.  What was acknowledged last has to come about, unless something else
    has happened to the guest since."""

    def __init__(self, world, bmc, pause):
        super().__init__(world, "operator of " + bmc, bmc)
        self.chance = random.Random("operator " + bmc)
        self.expected = None  # True: on; None: not known
        self.incidents = 0
        self.between = pause

    def act(self, session):
        action = self.chance.choice((ON, ON, OFF, CYCLE, RESET))
        expected, self.expected = self.expected, None
        incidents = self.incidents
        code, _ = session.request(0x00, 0x02, bytes([action]))
        if code == 0 and incidents == self.incidents:
            self.expected = {ON: True, OFF: False}.get(action, expected)
        self.done += code == 0
        self.refused += code != 0
        end = time.monotonic() + self.chance.uniform(0, self.between)
        while time.monotonic() < end and not self.world.paused:
            code, _ = session.request(0x00, 0x01)
            time.sleep(0.2)

    def happens(self, incident):
        """Something else to the guest: of what is under way too, nobody knows what becomes of it."""
        self.incidents += 1
        incident()
        self.incidents += 1
        self.expected = None

    def check(self, session):
        """What is told of the guest is true, and what was acknowledged has come about."""
        def is_true():
            code, data = session.request(0x00, 0x01)
            states = self.world.states()
            return code == 0 and states and bool(data[0] & 1) == states[self.bmc] and \
                self.expected in (None, states[self.bmc])
        try:
            wait_until("", is_true, SETTLES_S)
        except AssertionError:
            raise AssertionError("%s: told is %s, libvirt says %s, and acknowledged was %s" % (
                self.bmc, session.request(0x00, 0x01), self.world.states(), self.expected)) from None
        self.expected = self.world.states()[self.bmc]


class Breaker:
    """Breaks the world at random, and mends it."""

    def __init__(self, world, chance, operators, talking, is_short):
        self.world, self.chance, self.talking = world, chance, talking
        self.longest, self.datagrams = (1.5, 500) if is_short else (4, 6000)
        self.operators = operators
        self.due = []  # (when, number, name, what mends it)
        self.number = 0
        self.kinds = [self.libvirtd, self.libvirtd, self.qemu, self.qemu, self.by_hand, self.full,
                      self.read_only, self.clock, self.clock, self.flood, self.sol, self.ssh,
                      self.vbmc, self.reload]
        self.counts = {}

    def step(self):
        while self.due and self.due[0][0] <= time.monotonic():
            heapq.heappop(self.due)[3]()
        kind = self.chance.choice(self.kinds)
        name = kind.__name__
        if name in [due[2] for due in self.due]:
            return
        mend = kind()
        self.counts[name] = self.counts.get(name, 0) + 1
        if mend:
            self.number += 1
            end = time.monotonic() + self.chance.uniform(0, self.longest)
            heapq.heappush(self.due, (end, self.number, name, mend))

    def mend_all(self):
        while self.due:
            heapq.heappop(self.due)[3]()

    def libvirtd(self):
        self.world.kill_libvirtd()
        return self.world.start_libvirtd

    def qemu(self):
        operator = self.chance.choice(self.operators)
        operator.happens(lambda: self.world.kill_qemu(operator.bmc))

    def by_hand(self):
        if self.world.libvirtd_is_dead:
            return
        operator, verb = self.chance.choice(self.operators), self.chance.choice(("start", "destroy"))
        operator.happens(lambda: run("virsh", "-q", verb, operator.bmc))

    def full(self):
        self.world.fill_disk()
        return self.world.empty_disk

    def read_only(self):
        self.world.make_read_only()
        return self.world.make_writable

    def clock(self):
        far = self.chance.choice((0, 10, 86400, YEAR))
        self.world.set_clock(self.chance.randint(-far, far))

    def flood(self):
        port = str(self.world.ports[self.talking])
        words = ["logins", "-w", "-n", "2", "-t", "2", "-d", str(self.datagrams), "-S", "1000",
                 "flood", "127.0.0.1", port, "admin", "secret"]
        flood = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def end():
            flood.kill()
            flood.wait()
        return end

    def sol(self):
        try:
            session = self.world.connect(self.talking, 10)
            SolConsole(session).activate(take_over=True)
        except (Gone, Refused, OSError):
            return None
        return session.socket.close  # no acknowledgement ever comes

    def ssh(self):
        return SlowReader("ssh", self.talking).end

    def vbmc(self):
        return SlowReader("vbmc", self.talking).end

    def reload(self):
        self.world.reload()


class Run:
    def __init__(self, options):
        self.world = World(options.guests, options.ports)
        self.chance = random.Random(options.seed)
        self.is_short = options.seconds < 120
        pause = 0.15 if self.is_short else 0.05
        TalkingGuest(options.uart).start()
        self.recorders = [Recorder(self.world, bmc, pause) for bmc in options.ports]
        self.operators = [Operator(self.world, bmc, 4) for bmc in options.guests]
        self.breaker = Breaker(self.world, self.chance, self.operators, options.talking,
                               self.is_short)
        self.kills = self.starts_on_broken_disk = 0

    def restart(self):
        """Killed in the midst of all, and started again, now and then while the disk takes nothing."""
        self.world.kill_daemon()
        self.kills += 1
        if self.chance.random() < 0.4:
            self.starts_on_broken_disk += 1
            self.start_on_broken_disk()
        self.breaker.mend_all()
        self.world.start_daemon()

    def start_on_broken_disk(self):
        """It may say so and end."""
        world = self.world
        self.breaker.mend_all()
        breaks, mends = self.chance.choice(((world.fill_disk, world.empty_disk),
                                            (world.make_read_only, world.make_writable),
                                            (world.mount_read_only, world.mount_writable)))
        breaks()
        world.start_daemon()
        deadline = time.monotonic() + self.chance.uniform(0.5, 3)
        while time.monotonic() < deadline and world.daemon.poll() is None:
            time.sleep(0.05)
        if world.daemon.poll() is None:
            world.kill_daemon()
        else:
            assert world.daemon.returncode == 1, world.daemon.returncode
        mends()

    def free_stuck_guests(self):
        """libvirt 9.0 that is killed in the start of a guest, and once more soon after that, has a start
        under way for ever, which nobody owns; neither it nor anybody else can say what the guest is then.
        It notes that on disk, and takes it up again with each start of its own."""
        for _ in range(5):
            try:
                wait_until("libvirtd is done with all starts", lambda: not self.world.starting(), 20)
                return
            except AssertionError:
                stuck = [actor for actor in self.operators if actor.bmc in self.world.starting()]
            print("libvirtd does not end the start of %s" % [actor.bmc for actor in stuck])
            self.world.kill_libvirtd()
            for actor in stuck:
                actor.happens(lambda bmc=actor.bmc: self.world.forget_start(bmc))
            self.world.start_libvirtd()
        raise AssertionError("libvirtd does not come to itself")

    def settle(self):
        """Until it is connected again, and everything is as it should."""
        world = self.world
        self.free_stuck_guests()
        wait_until("the daemon answers", world.answers, 60)
        wait_until("its hypervisors are connected", world.is_connected, 60)
        world.check_disk()
        sessions = {bmc: world.connect(bmc, 20) for bmc in world.ports}
        for actor in self.recorders + self.operators:
            actor.check(sessions[actor.bmc])
        for session in sessions.values():
            session.leave()
        world.check_log()
        world.check_resources()
        assert not world.errors, world.errors

    def round(self, seconds, kills):
        world = self.world
        world.go_on()
        end = time.monotonic() + seconds
        while time.monotonic() < end and not world.errors:
            self.breaker.step()
            time.sleep(self.chance.uniform(0.05, 0.8 if self.is_short else 0.6))
        if kills:
            self.restart()
        world.pause()
        self.breaker.mend_all()
        self.settle()

    def go(self, seconds):
        begun = time.monotonic()
        self.world.start_daemon()
        self.settle()
        for actor in self.world.actors:
            actor.start()
        number = 0
        # On a busy machine some get nothing done in a few seconds.
        while (number < 2 or time.monotonic() - begun < seconds
               or (number < 20 and not all(actor.done for actor in self.recorders + self.operators))):
            number += 1
            length = self.chance.uniform(1.5, 3) if self.is_short else self.chance.uniform(3, 20)
            kills = number % 2 == 1 if self.is_short else self.chance.random() < 0.6
            self.round(length, kills)
            print("round %d: %.0f s%s, then %s" % (number, length, ", killed" if kills else "",
                                                   self.world.resources()), flush=True)
        self.world.end()
        self.world.stop_daemon()
        print("%d kills, %d starts on a broken disk, %s" % (self.kills, self.starts_on_broken_disk,
                                                            self.breaker.counts))
        for actor in self.recorders + self.operators:
            print("%s: %d acknowledged, %d refused" % (actor.name, actor.done, actor.refused))
            assert actor.done > 0, "%s got nothing done" % actor.name


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--guests", type=lambda text: text.split(","), required=True)
    parser.add_argument("--talking", required=True)
    parser.add_argument("--uart", required=True)
    parser.add_argument("--ports", required=True)
    options = parser.parse_args()
    options.ports = {pair.split("=")[0]: int(pair.split("=")[1])
                     for pair in options.ports.split(",")}
    print("seed %d" % options.seed, flush=True)
    Run(options).go(options.seconds)


if __name__ == "__main__":
    main()
