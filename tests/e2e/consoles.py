"""Drives every way to a guest's console, one after the other, two at a time, and after a panic.
usage: consoles.py GUEST PORT CLIENT..."""
import sys

from terminal import ANSWER_S, PATIENCE, Console

LINES = 300
# Lines that no terminal and no echo makes by chance, each with its number.
COUNT = f"i=0; while [ $i -lt {LINES} ]; do echo \"$i: the quick brown fox jumps\"; i=$((i+1)); done"
EXPECTED = [b"%d: the quick brown fox jumps" % i for i in range(LINES)]

guest, port, clients = sys.argv[1], int(sys.argv[2]), sys.argv[3:]


def open_console(name, **more):
    return Console(name, guest, port, **more)


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def one_after_the_other():
    logged_in = False
    for suite in (17, 3):
        for name in clients:
            if suite == 3 and not name.startswith("ipmi"):
                continue
            console = open_console(name, suite=suite)
            if not logged_in:
                console.log_in()
                logged_in = True
            else:
                console.type("\r")
                console.expect(rb"~ # ")
            lines = console.run(COUNT)
            check(lines == EXPECTED, f"{name}: {lines[:5]} .. {lines[-5:]}")
            uname = console.run("uname -s")
            check(uname == [b"Linux"], f"{name}: {uname}")
            console.leave()
            print(f"{name}, suite {suite}: {len(lines)} lines whole")


def two_at_once(first, second):
    one, two = open_console(first), open_console(second)
    two.type("\r")
    one.expect(rb"~ # ")
    two.expect(rb"~ # ")
    pair = f"{first}-{second}".encode()
    one.type(f"echo {first}-{second}''-both; sleep 1; echo {first}-{second}''-later\r")
    for console in (one, two):
        console.expect(rb"\n%s-both\r" % pair)
        console.expect(rb"\n%s-later\r" % pair)
    two.type(f"echo {first}-{second}''-back\r")
    for console in (one, two):
        console.expect(rb"\n%s-back\r" % pair)
    one.leave()
    two.type(f"echo {first}-{second}''-alone\r")
    two.expect(rb"\n%s-alone\r" % pair)
    two.leave()
    print(f"{first} and {second} see the same")


def after_a_panic():
    console = open_console(clients[0])
    console.type("\r")
    console.expect(rb"~ # ")
    console.type("echo c > /proc/sysrq-trigger\r")
    console.expect(rb"end Kernel panic", 120 * PATIENCE)
    console.leave()
    for name in clients:
        console = open_console(name)
        text = console.expect(rb"end Kernel panic - not syncing: sysrq triggered crash", ANSWER_S)
        check(b"Call Trace" in text or b"RIP" in text or b"Kernel panic" in text, text)
        console.leave()
        print(f"{name} shows the panic that came before it")


one_after_the_other()
pairs = [pair for pair in zip(clients, clients[1:] + clients[:1])
         if pair[0] != pair[1] and not (pair[0][:4] == pair[1][:4] == "ipmi")]
for pair in pairs:
    two_at_once(*pair)
after_a_panic()
