"""The ways to a guest's serial console, each a real client on a terminal of its own (pexpect), so that
one script can drive them all and compare what they show."""
import os
import re

import pexpect

PATIENCE = float(os.environ.get("VBMC_PATIENCE", "1"))
ANSWER_S = 60 * PATIENCE
PROMPT = re.compile(rb"~ # (\x1b\[6n)?$")
HOST = "127.0.0.1"
PYGHMI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pyghmi_console.py")


class Console:
    """A client that has been started. `name` is one of COMMANDS."""

    runs = os.getpid() * 1000  # in the replay there may be output of an earlier process of a test

    def __init__(self, name, guest, port, suite=17, user="admin", password="secret", ssh_port=6022,
                 host=HOST):
        command, self.leave_keys = COMMANDS[name]
        values = dict(guest=guest, port=port, suite=suite, user=user, password=password,
                      ssh_port=ssh_port, host=host)
        self.name = name
        self.child = pexpect.spawn(command[0], [word.format(**values) for word in command[1:]],
                                   timeout=ANSWER_S, maxread=65536, dimensions=(24, 200))
        self.child.delaybeforesend = None
        if name in ("ssh", "conserver"):
            self.expect(rb"assword: ?")
            self.child.send(password + "\n")

    def expect(self, pattern, seconds=ANSWER_S):
        """What came before the pattern; the assertion shows what was there instead."""
        self.expect_one([pattern], seconds)
        return self.child.before

    def expect_one(self, patterns, seconds=ANSWER_S):
        """Which of them comes first."""
        try:
            return self.child.expect(patterns, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise AssertionError(f"{self.name}: {patterns!r} are not in {self.child.before[-2000:]!r}"
                                 f" ({type(error).__name__})") from None

    def type(self, text):
        self.child.send(text)

    def log_in(self, seconds=180 * PATIENCE):
        """From the login prompt, which is shown again. The first that is seen may be that of an earlier
        boot, out of the history."""
        self.expect(rb"login: $", seconds)
        self.type("root\r")
        while self.expect_one([rb"Password: $", rb"login: $"], seconds):
            self.type("root\r")
        self.type("vbmc\r")
        self.expect(PROMPT)

    def run(self, command):
        """The output of a command at the shell's prompt, as lines. It stands between marks that no
        earlier output has, as a new connection shows some of that; the echo of what is typed, which
        the shell wraps, is told apart by the quotes in the marks."""
        Console.runs += 1
        mark = f"{os.getpid()}.{Console.runs}"
        self.type(f"echo be''gin {mark}; {command}; echo e''nd {mark}\r")
        self.expect(rb"\nbegin %s\r*\n" % mark.encode())
        output = self.expect(rb"(?:^|(?<=\n))end %s\r*\n" % mark.encode())
        self.expect(PROMPT)
        return output.replace(b"\r", b"").split(b"\n")[:-1]

    def leave(self):
        self.child.send(self.leave_keys[0])
        for key in self.leave_keys[1:]:
            self.child.send(key)
        self.child.expect(pexpect.EOF, timeout=ANSWER_S)
        self.child.close()
        return self.child.exitstatus


COMMANDS = {
    "ipmitool": (["ipmitool", "-I", "lanplus", "-C", "{suite}", "-H", "{host}", "-p", "{port}",
                  "-U", "{user}", "-P", "{password}", "sol", "activate"], ["\r~."]),
    "ipmiconsole": (["ipmiconsole", "-I", "{suite}", "-h", "{host}:{port}", "-u", "{user}",
                     "-p", "{password}"], ["&."]),
    "vbmc": (["vbmc", "console", "{guest}"], ["\x1d", "q"]),
    "ssh": (["ssh", "-t", "-p", "{ssh_port}", "-o", "StrictHostKeyChecking=no",
             "-o", "UserKnownHostsFile=/dev/null", "-o", "PubkeyAuthentication=no",
             "{user}@{host}", "console {guest}"], ["\x1d", "q"]),
    "pyghmi": (["/usr/bin/python3", PYGHMI, "{host}", "{port}", "{user}", "{password}"], ["\x1d"]),
    "pyghmi, by force": (["/usr/bin/python3", PYGHMI, "{host}", "{port}", "{user}", "{password}",
                          "--force"], ["\x1d"]),
    # Of other console servers, which have the guest's console from us.
    "conserver": (["console", "-M", "{host}", "-p", "{port}", "-l", "{user}", "{guest}"],
                  ["\x05c."]),
    "conman": (["conman", "-d", "{host}:{port}", "{guest}"], ["&."]),
}
