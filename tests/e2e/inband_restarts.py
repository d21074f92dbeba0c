"""A guest whose BMC ends and comes back while it talks: what was acknowledged is in the event log, once.

Usage: inband_restarts.py talk SOCKET FILE     as QEMU does: adds records with a running number, asks other things
                                              between them, connects again when the connection ends; writes
                                              "ok N", or "lost N" for what had no answer; until FILE.stop is there
       inband_restarts.py check FILE LOG       LOG: of `ipmitool sel writeraw`; FILE: lines with "ok N"
"""

import collections
import os
import re
import struct
import sys
import time

from qemu_end import QemuEnd

RECORD_SIZE = 16
TYPE = 0xC0  # an OEM's, with a time
BUSY = 0xC0  # a completion code: more than a guest may add
QUESTIONS = 20  # between two records


def connect(path):
    while True:
        try:
            return QemuEnd(path)
        except OSError:
            time.sleep(0.01)


def talk(path, result):
    number = 0
    qemu = connect(path)
    with open(result, "w", buffering=1) as file:
        while not os.path.exists(result + ".stop"):
            number += 1
            try:
                record = struct.pack("<HBI3sIH", 0, TYPE, 0, bytes([0xD9, 0x7E, 0]), number, 0)
                code = qemu.ask(0x0A, 0x44, record)[0]
                assert code in (0, BUSY), f"record {number} is answered {code:02x}"
                if code == 0:
                    file.write(f"ok {number}\n")
                for _ in range(QUESTIONS):
                    assert qemu.ask(6, 1)[0] == 0
            except TimeoutError:
                raise  # an answer has to come while the connection lives
            except (EOFError, OSError):
                file.write(f"lost {number}\n")
                qemu.close()
                qemu = connect(path)


def check(result, log):
    with open(log, "rb") as file:
        data = file.read()
    found = collections.Counter()
    for at in range(0, len(data), RECORD_SIZE):
        record = struct.unpack("<HBI3sIH", data[at:at + RECORD_SIZE])
        if record[1] == TYPE:
            found[record[4]] += 1
    with open(result, errors="replace") as file:
        acknowledged = [int(number) for number in re.findall(r"^ok (\d+)\r?$", file.read(), re.MULTILINE)]
    lost = [number for number in acknowledged if number not in found]
    twice = [number for number, count in found.items() if count > 1]
    print(f"{len(acknowledged)} acknowledged, {sum(found.values())} in the log, {len(lost)} lost, {len(twice)} twice")
    if not acknowledged or lost or twice:
        sys.exit(f"lost: {lost}, twice: {twice}")


def main():
    {"talk": talk, "check": check}[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
