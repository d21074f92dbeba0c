"""What all_together.py breaks and mends: a daemon and all that it stands on, the clients that talk to it
meanwhile, and what has to be true whenever it is left in peace."""
import contextlib
import errno
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time

from ipmi_client import Session
from fake_system import Machine

PATIENCE = float(os.environ.get("VBMC_PATIENCE", 1))
DIR = os.environ["TEST_DIR"]
# What no line of the log may say.
BUGS = re.compile(r"assert|\bbug\b|stack smashing|Sanitizer|runtime error|outside (of )?the filter"
                  r"|system call \d+|corrupt", re.IGNORECASE)
# How much more than after its start the daemon may have of each, when nobody asks anything of it.
MORE_FDS, MORE_THREADS, MORE_KIB = 8, 4, 24 * 1024


class Gone(Exception):
    """The daemon was killed meanwhile."""


def scaled(seconds):
    return seconds * PATIENCE


def wait_until(what, is_so, seconds=30):
    """Until it returns something true, which is returned."""
    deadline = time.monotonic() + scaled(seconds)
    while True:
        found = is_so()
        if found:
            return found
        assert time.monotonic() < deadline, "not within %d s: %s" % (seconds, what)
        time.sleep(0.3)


def run(*words, seconds=60):
    """Its output; None if it has failed."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=scaled(seconds))
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None


def ask_daemon(*words):
    text = run("vbmc", *words, "-f", "json")
    return None if text is None else json.loads(text)


class World:
    def __init__(self, guests, ports):
        self.guests, self.ports = guests, ports  # of libvirtd; {name: port} of all
        self.machine = Machine(os.path.join(DIR, "machine"))
        self.generation = 0  # how often the daemon was killed
        self.daemon = None
        self.libvirtd_is_dead = False
        self.condition = threading.Condition()
        self.paused, self.over = True, False
        self.actors, self.errors = [], []
        self.first = None  # resources of this daemon when it was left in peace first
        self.log = open(os.path.join(DIR, "vbmcd.log"), "ab")
        self.log_read = self.log.tell()

    # ---- the daemon ----

    def start_daemon(self):
        environment = dict(os.environ, LD_PRELOAD=os.environ["FAKE_SYSTEM"],
                           VBMC_FAKE_SYSTEM=os.path.join(DIR, "machine"))
        self.daemon = subprocess.Popen(["vbmcd", "--config", "vbmc.conf", "--foreground"],
                                       stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                       env=environment)
        self.first = None

    def kill_daemon(self):
        self.generation += 1
        self.daemon.kill()
        self.daemon.wait()

    def stop_daemon(self):
        self.daemon.terminate()
        assert self.daemon.wait(scaled(60)) == 0, self.daemon.returncode
        self.check_log()

    def answers(self):
        assert self.daemon.poll() is None, "the daemon has ended: %d" % self.daemon.returncode
        return ask_daemon("list")

    def is_connected(self):
        status = run("vbmc", "status", "-f", "value") or ""
        states = re.findall(r"^hypervisors\.[^.]*\.state (.*)$", status, re.MULTILINE)
        return states and set(states) == {"connected"}

    def reload(self):
        self.daemon.send_signal(signal.SIGHUP)

    # ---- what it stands on ----

    def kill_libvirtd(self):
        self.libvirtd_is_dead = True
        with open("/run/libvirtd.pid") as file:
            pid = int(file.read())
        os.kill(pid, signal.SIGKILL)
        wait_until("libvirtd is gone", lambda: not os.path.exists("/proc/%d" % pid))

    def start_libvirtd(self):
        outputs = "3:file:" + os.path.join(DIR, "libvirtd.log")
        subprocess.run(["libvirtd", "-d"], check=True,
                       env=dict(os.environ, LIBVIRT_LOG_OUTPUTS=outputs))
        self.libvirtd_is_dead = False

    def kill_qemu(self, guest):
        """Whether it ran."""
        try:
            with open("/run/libvirt/qemu/%s.pid" % guest) as file:
                pid = int(file.read())
            with open("/proc/%d/cmdline" % pid) as file:
                if "guest=%s," % guest not in file.read():
                    return False
            os.kill(pid, signal.SIGKILL)
            return True
        except (OSError, ValueError):
            return False

    @staticmethod
    def forget_start(guest):
        """While libvirtd is dead: neither its QEMU nor what libvirt has noted of its run is left."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open("/proc/%s/cmdline" % pid) as file:
                    if "guest=%s," % guest in file.read():
                        os.kill(int(pid), signal.SIGKILL)
        for end in "xml", "pid":
            with contextlib.suppress(FileNotFoundError):
                os.unlink("/run/libvirt/qemu/%s.%s" % (guest, end))

    def fill_disk(self):
        with open("state/ballast", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65536))
            except OSError as error:
                assert error.errno == errno.ENOSPC, error
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                pass

    def empty_disk(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink("state/ballast")

    @staticmethod
    def mount_read_only():
        """Which the kernel refuses while somebody writes."""
        subprocess.run(["mount", "-o", "remount,ro", "state"], check=True)

    @staticmethod
    def mount_writable():
        subprocess.run(["mount", "-o", "remount,rw", "state"], check=True)

    def make_read_only(self):
        self.machine.fail_writes(errno.EROFS)

    def make_writable(self):
        self.machine.fail_writes(0)

    def set_clock(self, seconds):
        self.machine.set_clock(seconds * 1000)

    # ---- clients ----

    def fail(self, text):
        print("FAULT:", text, flush=True)
        self.errors.append(text)

    def passes(self, actor):
        """Waits while the world is paused. False: it is over."""
        with self.condition:
            while self.paused and not self.over:
                actor.is_parked = True
                self.condition.notify_all()
                self.condition.wait()
            actor.is_parked = False
            return not self.over

    def pause(self):
        with self.condition:
            self.paused = True
            parked = self.condition.wait_for(lambda: all(actor.is_parked for actor in self.actors),
                                             scaled(120))
        assert parked, "still at work: %s" % [a.name for a in self.actors if not a.is_parked]

    def go_on(self):
        with self.condition:
            self.paused = False
            self.condition.notify_all()

    def end(self):
        with self.condition:
            self.over = True
            self.condition.notify_all()
        for actor in self.actors:
            actor.join(scaled(60))

    def connect(self, name, seconds=30):
        """A session; Gone if the daemon was killed before there was one."""
        deadline = time.monotonic() + scaled(seconds)
        generation = self.generation
        while True:
            try:
                session = Client(self, self.ports[name])
                session.set_privilege()
                return session
            except OSError as error:
                if generation != self.generation:
                    raise Gone from error
                assert time.monotonic() < deadline, "no log-in within %d s: %r" % (seconds, error)
                time.sleep(0.1)

    # ---- in peace ----

    def check_disk(self):
        with contextlib.closing(sqlite3.connect("file:state/state.db?mode=ro", uri=True)) as store:
            (answer,) = store.execute("PRAGMA integrity_check").fetchone()
        assert answer == "ok", answer

    def audited(self, operation, bmc):
        """The details of what was done so, in the trail.  Of a guest that has not been seen yet after a
        start of the daemon it knows the UUID alone."""
        with contextlib.closing(sqlite3.connect("file:state/state.db?mode=ro", uri=True)) as store:
            rows = store.execute("SELECT detail FROM audit WHERE operation = ? AND result = 0 AND uuid ="
                                 " (SELECT uuid FROM audit WHERE bmc = ? LIMIT 1)",
                                 (operation, bmc)).fetchall()
        return [row[0] for row in rows]

    @staticmethod
    def has_log_instead(detail):
        """What the disk did not take of the trail is in the log, at once, and in the trail later if the
        daemon is not killed before."""
        with open(os.path.join(DIR, "vbmcd.log"), errors="replace") as log:
            return any(detail in line and "(not stored: " in line for line in log)

    def check_log(self):
        with open(os.path.join(DIR, "vbmcd.log"), "rb") as file:
            file.seek(self.log_read)
            text = file.read()
        self.log_read += len(text)
        for line in text.decode(errors="replace").splitlines():
            assert not BUGS.search(line), "the log says: " + line

    def states(self):
        """{guest: whether it is on}, as libvirt has it."""
        listed = run("virsh", "-q", "list", "--all")
        if listed is None:
            return None
        rows = [line.split(None, 2) for line in listed.splitlines()]
        return {row[1]: row[2].strip() != "shut off" for row in rows if len(row) == 3}

    def starting(self):
        """Guests of which libvirtd says that it starts them, or says nothing."""
        reasons = {guest: run("virsh", "-q", "domstate", guest, "--reason") for guest in self.guests}
        return [guest for guest, reason in reasons.items() if not reason or "starting up" in reason]

    def resources(self):
        folder = "/proc/%d/" % self.daemon.pid
        targets = []
        for number in os.listdir(folder + "fd"):
            try:
                targets.append(os.readlink(folder + "fd/" + number))
            except OSError:
                pass
        with open(folder + "status") as file:
            kib = int(re.search(r"VmRSS:\s*(\d+)", file.read()).group(1))
        return (len([target for target in targets if not target.startswith("/dev/pts/")]),
                len(os.listdir(folder + "task")), kib)

    def check_resources(self):
        """No more than after the start, soon."""
        if self.first is None:
            self.first = self.resources()
            return
        most = [first + more for first, more in zip(self.first, (MORE_FDS, MORE_THREADS, MORE_KIB))]

        def are_back():
            return all(now <= bound for now, bound in zip(self.resources(), most))
        try:
            wait_until("descriptors, threads and KiB are back", are_back)
        except AssertionError as error:
            raise AssertionError("%s: %s, after the start %s"
                                 % (error, self.resources(), self.first)) from None


class Client(Session):
    """A session that ends with the daemon."""

    def __init__(self, world, port):
        self.world, self.generation = world, world.generation
        super().__init__(port=port, timeout=scaled(20), attempts=1)

    def receive_datagram(self, deadline):
        while True:
            if self.generation != self.world.generation:
                raise Gone
            try:
                return super().receive_datagram(min(deadline, time.monotonic() + 0.25))
            except ConnectionRefusedError:
                if self.generation == self.world.generation:
                    raise
            except TimeoutError:
                if time.monotonic() >= deadline:
                    raise

    def leave(self):
        try:
            self.close()
        except (OSError, Gone):
            self.socket.close()


class Actor(threading.Thread):
    """Does something to one BMC again and again, in a session that it makes anew where it must."""

    def __init__(self, world, name, bmc):
        super().__init__(name=name, daemon=True)
        self.world, self.bmc = world, bmc
        self.is_parked = False
        self.session = None
        self.done = self.refused = 0
        world.actors.append(self)

    def run(self):
        while self.world.passes(self):
            try:
                if not self.session or self.session.generation != self.world.generation:
                    self.session = None
                    self.session = self.world.connect(self.bmc)
                self.act(self.session)
            except Gone:
                self.session = None
            except (AssertionError, OSError) as error:
                self.world.fail("%s: %r" % (self.name, error))
                self.session = None
                time.sleep(1)
        if self.session:
            self.session.leave()


class SlowReader:
    """Asks for the console of a guest that talks, and reads nothing of it."""

    WAYS = {
        "ssh": ["sshpass", "-p", "secret", "ssh", "-tt", "-F", "none", "-p", "6022",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "PubkeyAuthentication=no", "admin@127.0.0.1", "console {guest}"],
        "vbmc": ["vbmc", "console", "{guest}"],
    }

    def __init__(self, way, guest):
        self.way = way
        self.process = subprocess.Popen([word.format(guest=guest) for word in self.WAYS[way]],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class TalkingGuest(threading.Thread):
    """The serial port of a guest that never stops talking (uart_node)."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(1)

    def run(self):
        line = b"the quick brown fox jumps over the lazy dog, again and again\r\n" * 16
        while True:
            client, _ = self.listener.accept()
            try:
                while True:
                    client.sendall(line)
                    time.sleep(0.1)
            except OSError:
                client.close()
