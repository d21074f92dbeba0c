"""Drives the client of a console server, conserver's or ConMan's (names of terminal.COMMANDS): logs in
to each guest if nobody has yet, runs a command, sends a break by the server's own means.
usage: console_servers.py CLIENT PORT CONSOLE...    a console 'NAME-' has no break"""
import sys
import time

import pexpect
from terminal import PATIENCE, PROMPT, Console

# The keys for a break, and what then says that it is sent; ConMan sends it some time and says nothing.
BREAK = {"conserver": ("\x05cl1", rb"break sent"), "conman": ("&B", None)}
TRIES = 10


def send_break(console, keys, answer):
    for _ in range(TRIES):
        console.type(keys)
        if answer:
            console.expect(answer)
        console.type("h")
        if console.child.expect([pexpect.TIMEOUT, rb"sysrq: HELP"], timeout=5 * PATIENCE):
            return
    raise AssertionError(f"{console.name}: no answer to a break in {console.child.before!r}")


def try_console(client, port, name, has_break):
    console = Console(client, name, port, user="op")
    # What is typed before the client has its terminal in raw mode is lost.
    deadline = time.monotonic() + 180 * PATIENCE
    found = 0
    while found == 0:
        if time.monotonic() > deadline:
            raise AssertionError(f"{client} {name}: no prompt in {console.child.before!r}")
        console.type("\r")
        found = console.child.expect([pexpect.TIMEOUT, rb"login: $", rb"~ # "], timeout=1)
    if found == 1:
        console.type("root\r")
        console.expect(rb"Password: $")
        console.type("vbmc\r")
        console.expect(PROMPT)
    mark = f"{client}-{name}".encode()
    lines = console.run(f"uname -s; echo {client}''-{name}")
    if lines != [b"Linux", mark]:
        raise AssertionError(f"{client} {name}: {lines}")
    if has_break:
        send_break(console, *BREAK[client])
    if client == "conman" and has_break:
        console.type("&R")  # its resetcmd
        console.expect(rb"reset")
    console.leave()
    print(f"{client} {name}: {lines}{', break' if has_break else ''}")


for argument in sys.argv[3:]:
    try_console(sys.argv[1], sys.argv[2], argument.rstrip("-"), not argument.endswith("-"))
