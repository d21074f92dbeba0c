"""What a hostile client of the SSH server does, a function for each of its plans."""
import os
import sys

import pexpect

PATIENCE = float(os.environ.get("VBMC_PATIENCE", "1"))
OPTIONS = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
           "-o", "LogLevel=ERROR", "-o", "PreferredAuthentications=password", "-p", "6022"]


def shell():
    """libedit has a command line of its own, by which an editor could be started."""
    child = pexpect.spawn("ssh", OPTIONS + ["-t", "admin@127.0.0.1"], timeout=15 * PATIENCE)
    child.expect("assword: ?")
    child.send("secret\n")
    for keys in (b"\x1bx", b"\x1bX", b"\xc3\xb8\x7f", b"\xf8"):
        child.expect("vbmc> ")
        child.send(keys + b"bind -v\r")
        child.expect(b"unknown command '[^b]{0,2}bind'")
    child.expect("vbmc> ")
    child.send("exit\r")
    child.expect(pexpect.EOF)


PLANS = {"shell": shell}

PLANS[sys.argv[1]](*sys.argv[2:])
