"""SOL by the clients that people use: who gets the console and who loses it, and what they are told.
usage: sol_clients.py owners PORT         of a guest g1 that echoes what is typed
       sol_clients.py takeovers PORT      the part of it that two at once are tried with
       sol_clients.py guest PORT          a real one, of libvirtd; it is off in the beginning"""
import os
import signal
import subprocess
import sys
import time

import pexpect
from terminal import PATIENCE, Console

CLIENTS = ("ipmitool", "ipmiconsole", "pyghmi")
ACTIVE = {"ipmitool": rb"SOL Session operational.*\n", "ipmiconsole": rb"SOL established.*\n",
          "pyghmi": rb"SOL established.*\n"}
port = int(sys.argv[2])
number = 0


def ipmi(*words):
    """(exit status, all that it said)"""
    done = subprocess.run(["ipmitool", "-I", "lanplus", "-C", "17", "-H", "127.0.0.1", "-p", str(port),
                           "-U", "admin", "-P", "secret", *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120 * PATIENCE)
    return done.returncode, done.stdout


def ipmi_done(*words):
    status, text = ipmi(*words)
    assert status == 0, (words, text)


def activate(name, **more):
    console = Console(name, "g1", port, **more)
    console.expect(ACTIVE[name.split(",")[0]])
    return console


def check_echo(console):
    """What is typed comes back; a raw serial port has no prompt to wait for."""
    global number
    number += 1
    console.type(f"typed {number}\r")
    console.expect(rb"typed %d\r" % number)


def loses(console, text, key=None):
    """It ends and says this, by itself or when a key is pressed."""
    if key:
        console.type(key)
    shown = console.expect(pexpect.EOF, 120 * PATIENCE)
    assert text in shown, f"{console.name}: {shown}"


def owners():
    for suite in (3, 17):
        for name in CLIENTS[:2]:
            console = activate(name, suite=suite)
            check_echo(console)
            console.leave()
    print("both suites")
    take_overs()
    after_killed_owners()
    disabled_under_its_owner()


def take_overs():
    one = activate("ipmitool")
    check_echo(one)
    assert ipmi("sol", "activate") == (1, b"Info: SOL payload already active on another session\n")
    check_echo(one)
    loses(Console("pyghmi", "g1", port), b"SOL Session active for another client")
    check_echo(one)
    two = activate("ipmiconsole")  # takes it without being asked to
    check_echo(two)
    loses(one, b"closed by BMC", "x")
    check_echo(two)
    three = activate("pyghmi, by force")
    check_echo(three)
    loses(two, b"[closing the connection]")
    check_echo(three)
    one = activate("ipmiconsole")
    check_echo(one)
    loses(three, b"Connection lost", "x")
    one.leave()
    print("take-overs")


def after_killed_owners():
    for name in CLIENTS:
        console = activate(name)
        check_echo(console)
        console.child.kill(signal.SIGKILL)
        console.expect(pexpect.EOF)
        status, text = ipmi("sol", "activate")
        assert status == 1 and b"already active" in text, text
        ipmi_done("sol", "deactivate")
        console = activate("ipmitool")
        check_echo(console)
        console.leave()
    status, text = ipmi("sol", "deactivate")
    assert status == 1 and b"already de-activated" in text, text
    print("after owners that were killed")


def disabled_under_its_owner():
    for name in CLIENTS:
        console = activate(name)
        check_echo(console)
        ipmi_done("sol", "set", "enabled", "false")
        console.type("x")
        console.expect(pexpect.EOF)
        ipmi_done("sol", "set", "enabled", "true")
    print("disabled under its owner")


def restart_libvirtd():
    with open("/run/libvirtd.pid") as file:
        pid = int(file.read())
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30 * PATIENCE
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    subprocess.run(["libvirtd", "-d"], check=True)


def answers(console, seconds):
    """The guest does, to what is typed: again and again, as what is typed while nobody listens is
    forgotten."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        console.type("\r")
        try:
            console.child.expect(rb"~ # ", timeout=1)
            return
        except pexpect.TIMEOUT:
            assert time.monotonic() < deadline, console.child.before[-500:]


def guest():
    console = activate("ipmitool")  # while it is off
    for action in ("on", "reset", "off", "on"):
        ipmi_done("chassis", "power", action)
        if action != "off":
            console.expect(rb"vbmc guest: booted", 180 * PATIENCE)
            console.log_in()
            assert console.run("uname -s") == [b"Linux"]
    print("on, reset, off and on under one session")

    restart_libvirtd()
    answers(console, 60)
    assert console.run("uname -s") == [b"Linux"]
    print("a new libvirtd")

    console.run("echo 1 >/proc/sys/kernel/sysrq; uname -s")
    console.type("\r")
    console.expect(rb"~ # ")
    console.type("~B")
    console.expect(rb"~B \[send break\]")
    console.type("h")
    console.expect(rb"sysrq: HELP")
    console.leave()
    print("a break by ipmitool")

    console = activate("pyghmi")
    console.type("exit\r")
    console.log_in()
    assert console.run("uname -s") == [b"Linux"]
    lines = [b"%d" % number for number in range(1, 301)]
    assert console.run("seq 1 300") == lines
    console.leave()
    print("pyghmi logs in")


{"owners": owners, "takeovers": take_overs, "guest": guest}[sys.argv[1]]()
