"""pyghmi's console on a terminal, as a client like the others; Ctrl-] leaves.
usage: pyghmi_console.py HOST PORT USER PASSWORD [--force]"""
import os
import select
import sys
import termios
import tty

from pyghmi.ipmi.console import Console

LEAVE = b"\x1d"
ended = False


def show(data):
    global ended
    if isinstance(data, dict):
        ended = ended or "error" in data
        data = b"[%s]\r\n" % repr(data).encode()
    os.write(1, data if isinstance(data, bytes) else data.encode())


host, port, user, password = sys.argv[1:5]
before = termios.tcgetattr(0)
tty.setraw(0)
console = Console(host, user, password, show, port=int(port), force="--force" in sys.argv)
established = False
try:
    while not ended:
        if console.connected and not established:
            os.write(1, b"[SOL established]\r\n")
            established = True
        Console.wait_for_rsp(0.05)
        if select.select([0], [], [], 0)[0]:
            keys = os.read(0, 4096)
            if LEAVE in keys:
                console.close()
                break
            console.send_data(keys)
finally:
    termios.tcsetattr(0, termios.TCSADRAIN, before)
sys.exit(ended)
