"""What clients read inside of a guest, beside what they read over the LAN.

Usage: inband_clients.py list                 the commands of clients.list's section 'readings', for the guest
       inband_clients.py compare PORT FILE    FILE is what run_list in inband-clients.test has printed of them; the
                                              same are asked over the LAN, at that port, and what is not right is printed
"""
import difflib
import os
import re
import shlex
import sys

from clients import Bmc, Output, lines_of, read_list, wrong_errors
from python_clients import PythonClients

# What the list has no row for: whole configurations.
MORE = [f"ipmi-config --checkout --category={name}" for name in ("core", "chassis", "sensors", "pef", "dcmi")]
# By the number of the LAN channel what it is over LAN without one: that of who asks has none of it.
OF_LAN = {"ipmitool channel getciphers ipmi": "1", "ipmitool sol info": "1"}
# Of who asks: another channel, with more commands, and no session. -vv shows how it logs in.
OF_ASKER = re.compile(r"ipmitool (channel info$|session info|firewall info|-vv )")
CLIENTS = ("ipmitool", "ipmi-sensors", "ipmi-sel", "ipmi-fru", "ipmi-dcmi", "bmc-info", "bmc-device", "ipmi-chassis",
           "ipmi-config")
# Readings and times; what they are is in the list, and judged in readings.test.
MOVES = re.compile(r"sdr|sensor|dcmi|time|poh|hours|lan stats|lan-statistics|power|restart|readraw|channel info")


def rows():
    sections, right = read_list()
    found = [row for row in sections["readings"] if row.command.split()[0] in CLIENTS]
    for row in found:
        row.command = row.command.replace("readraw before.raw", "readraw sel.raw")  # which the row before has written
    more = [type(found[0])("", command, []) for command in MORE]
    return found + more, right


def inside(command):
    """What is run there for a row."""
    client, *words = shlex.split(command)
    quiet = ["--quiet-cache"] if client in ("ipmi-sensors", "ipmi-sel") else []
    channel = [OF_LAN[command]] if command in OF_LAN else []
    return shlex.join([client, *quiet, *words, *channel])


def blocks(path):
    """Of each command: its Output."""
    with open(path, "rb") as file:
        data = file.read().replace(b"\r", b"")
    found = {}
    for match in re.finditer(rb"^@@ (\d+)\n(.*?)^@@errors\n(.*?)^@@status (\d+)\n", data, re.M | re.S):
        number, out, errors, status = match.groups()
        found[int(number)] = Output(int(status), out, errors)
    return found


def without_numbers(lines):
    return [re.sub(" +", " ", re.sub(r"[0-9.]*[0-9][0-9.]*", "#", line)) for line in lines]


def differences(command, there, here):
    """What is different inside (there) from over the LAN (here)."""
    left, right = lines_of(there.out), lines_of(here.out)
    if MOVES.search(command):
        left, right = without_numbers(left), without_numbers(right)
    wrong = [] if there.status == here.status else [f"exit status {there.status} inside, {here.status} over LAN"]
    return wrong + list(difflib.unified_diff(right, left, "LAN", "inside", lineterm="", n=0))


def judge(bmc, row, output, right, number):
    """A line for each thing that is wrong. What is right to be said, readings.test knows of the LAN side."""
    errors = [line.removesuffix("target 0") + "target 0x20" if line.endswith("target 0") else line
              for line in lines_of(output.errors)]
    rules = [text for kind, text in row.rules if kind == "~"]
    wrong = wrong_errors(row.command, errors, ["^$", *right, *rules])
    if OF_ASKER.match(row.command):
        return wrong + ([f"exit status {output.status}"] if output.status else [])
    return wrong + differences(row.command, output, bmc.run(row.command, f"lines/{number}"))


def compare(port, path):
    todo, right = rows()
    outputs = blocks(path)
    os.makedirs("lines", exist_ok=True)
    with PythonClients() as pythons:
        bmc = Bmc(pythons, "127.0.0.1", port)
        for number, row in enumerate(todo, 1):
            wrong = judge(bmc, row, outputs[number], right, number) if number in outputs else ["is missing"]
            if wrong:
                print(f"{number}: {row.command}", *wrong, sep="\n    ")
    print(f"{len(outputs)} commands", file=sys.stderr)


def main():
    sys.stdout.reconfigure(errors="surrogateescape")
    if sys.argv[1] == "list":
        print(*(inside(row.command) for row in rows()[0]), sep="\n")
    else:
        compare(sys.argv[2], sys.argv[3])


main()
