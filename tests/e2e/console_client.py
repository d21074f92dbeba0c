"""`vbmc console` and the shell at a terminal: keys, signals, and the terminal afterwards.
usage: console_client.py GUEST; root is logged in there"""
import os
import pathlib
import pwd
import re
import signal
import sys
import termios
import time

import pexpect

PATIENCE = float(os.environ.get("VBMC_PATIENCE", "1"))
guest = sys.argv[1]


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def wait_for(condition, text):
    end = time.monotonic() + 60 * PATIENCE
    while not condition():
        check(time.monotonic() < end, f"not in time: {text}")
        time.sleep(0.02)


class Terminal:
    """A program on a terminal of its own, whose settings are to be the same in the end."""

    def __init__(self, *command):
        self.child = pexpect.spawn("sh", ["-c", 'read go; exec "$@"', "sh", *command],
                                   timeout=60 * PATIENCE, dimensions=(24, 80))
        self.child.delaybeforesend = None
        self.before = self.settings()
        self.child.sendline("go")

    def settings(self):
        return termios.tcgetattr(self.child.child_fd)

    def is_raw(self):
        return not self.settings()[3] & termios.ICANON

    def expect(self, pattern):
        try:
            self.child.expect(pattern)
        except (pexpect.TIMEOUT, pexpect.EOF):
            raise AssertionError(f"{pattern!r} is not in {self.child.before[-2000:]!r}") from None
        return self.child.before

    def type(self, keys):
        self.child.send(keys)

    def end(self, status=0, number=None):
        rest = self.expect(pexpect.EOF)
        check(self.settings() == self.before, f"{self.settings()} is not {self.before}")
        self.child.close()
        check((self.child.exitstatus, self.child.signalstatus) == (status, number),
              f"{self.child.exitstatus}, {self.child.signalstatus}: {rest!r}")
        return rest


def open_console():
    console = Terminal("vbmc", "console", guest)
    console.expect(rb"Connected to %s .*Ctrl-\] for the menu" % guest.encode())
    console.type("\r")
    console.expect(rb"~ # ")
    return console


def keys():
    console = open_console()
    console.type("sleep 1000\r")
    console.expect(rb"sleep 1000\r\n")
    # The guest's: one that comes before the command is there interrupts nothing.
    for _ in range(10):
        console.type("\x03")
        if console.child.expect([pexpect.TIMEOUT, rb"\^C\r\n~ # "], timeout=2):
            break
    else:
        check(False, f"no prompt behind ^C: {console.child.before!r}")
    console.type("\x1d")
    console.expect(rb"q leave, b break, n NMI, h history, \] literal")
    console.type("x")
    console.type("echo typed''-on\r")
    console.expect(rb"\ntyped-on")
    console.type("\x1db")
    console.expect(rb"\[break sent\]")
    console.type("h")
    console.expect(rb"sysrq: HELP")
    console.type("\x1dn")
    # The guest may be faster than the answer to who asked.
    console.expect(rb"(?s)\[NMI sent\].*NMI received|NMI received.*\[NMI sent\]")
    console.type("\x1dq")
    console.end()


def modes():
    """The guest's full-screen program is cut off by a signal."""
    console = open_console()
    console.type("printf '\\033[?1049h\\033[?25l\\033[?2004h'; echo full''screen\r")
    console.expect(rb"2004hfullscreen")
    console.child.kill(signal.SIGTERM)
    rest = console.end(None, signal.SIGTERM)
    for wanted in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l", b"\x1b[0m"):
        check(wanted in rest, f"{wanted!r} is not in {rest!r}")


def stopped():
    console = open_console()
    status = pathlib.Path(f"/proc/{console.child.pid}/stat")
    console.child.kill(signal.SIGTSTP)
    wait_for(lambda: status.read_text().split()[2] == "T", "stopped")
    check(console.settings() == console.before, "the terminal of a stopped program")
    console.child.kill(signal.SIGCONT)
    wait_for(console.is_raw, "raw again")
    console.type("echo back''again\r")
    console.expect(rb"\nbackagain")
    console.type("\x1dq")
    console.end()


def people():
    one = open_console()
    two = Terminal("vbmc", "console", guest)
    two.expect(rb"Also here: root")
    one.expect(rb"\[root[^\r]*\]")
    two.type("\x1dq")
    two.end()
    one.expect(rb"\[root[^\r]*\]")
    one.type("\x1dq")
    one.end()


def shell(*command, account=rb""):
    shell = Terminal(*command)
    shell.expect(account + rb".*'help' lists the commands")
    shell.expect(rb"vbmc> ")
    shell.type(f"po\t{guest[0]}\tsta\t\r")  # "power GUEST status"
    shell.expect(rb"\r\non\r\n")
    shell.expect(rb"vbmc> ")
    shell.type("half a line\x03")
    shell.expect(rb"\r\nvbmc> ")
    shell.type("power\r")
    shell.expect(rb"\r\non\r\n")
    shell.expect(rb"vbmc> ")
    shell.type("console\r")
    shell.expect(rb"Ctrl-\] for the menu")
    shell.type("echo from''-the-shell\r")
    shell.expect(rb"\nfrom-the-shell")
    shell.type("\x1dq")
    shell.expect(rb"vbmc> ")
    shell.type("nonsense\r")
    shell.expect(rb"unknown command 'nonsense'")
    shell.expect(rb"vbmc> ")
    shell.type("console --log -f\r")
    shell.expect(rb"from-the-shell")
    shell.type("\x03")
    shell.expect(rb"vbmc> ")
    return shell


def local_shell():
    local = shell("vbmc", "shell")
    local.type("\x04")
    local.end(130)  # of the last command


def drops_privileges():
    user = pwd.getpwnam("vbmc")
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        if entry.joinpath("cmdline").read_bytes().split(b"\0")[0] != b"vbmc-shell":
            continue
        status = entry.joinpath("status").read_text()
        check(re.search(rf"^Uid:(\t{user.pw_uid}){{4}}$", status, re.M), status)
        check(re.search(rf"^Gid:(\t{user.pw_gid}){{4}}$", status, re.M), status)
        filters = 0 if "ASAN_OPTIONS" in os.environ else 2  # see vbmc/process/isolate_filter.c
        check(re.search(rf"^Seccomp:\t{filters}$", status, re.M), status)
        check(re.search(r"^NoNewPrivs:\t1$", status, re.M), status)
        check(re.search(r"^CapEff:\t0+$", status, re.M), status)
        return
    check(False, "there is no vbmc-shell")


def ssh_shell():
    remote = shell("sshpass", "-p", "secret", "ssh", "-t", "-p", "6022",
                   "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                   "-o", "PubkeyAuthentication=no", "admin@127.0.0.1", account=rb"admin")
    drops_privileges()
    remote.type("list --log-file /tmp/x\r")
    remote.expect(rb"unknown")
    remote.type("exit\r")
    remote.end()


for test in (keys, modes, stopped, people, local_shell, ssh_shell):
    test()
    print(test.__name__, "ok")
