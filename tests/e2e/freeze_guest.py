"""Freezes a guest that runs on one processor: by QEMU's GDB server, at the socket, it is made to run for ever where
it is, in its kernel, with interrupts off. It stands still for that (SUSPEND and RESUME of its domain).

Usage: freeze_guest.py SOCKET     after 'gdbserver unix:SOCKET,server=on,wait=off' at QEMU's monitor
"""
import socket
import sys
import time

FREEZE = bytes([0xFA, 0xEB, 0xFE])  # cli; jmp to itself
RIP = slice(16 * 16, 17 * 16)  # in the registers, behind sixteen others, as hexadecimal digits
TRIES = 200


class Gdb:
    """GDB's remote protocol, as far as it is needed here."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def send(self, text):
        self.socket.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 0xFF))

    def receive(self):
        while self.file.read(1) != b"$":
            pass
        data = b""
        while not data.endswith(b"#"):
            data += self.file.read(1)
        self.file.read(2)
        self.socket.sendall(b"+")
        return data[:-1].decode()

    def ask(self, text):
        """Not that it has stopped, which comes by itself."""
        self.send(text)
        while (reply := self.receive()).startswith("T"):
            pass
        return reply


def main():
    gdb = Gdb(sys.argv[1])
    for _ in range(TRIES):
        rip = int.from_bytes(bytes.fromhex(gdb.ask("g")[RIP]), "little")
        if rip >> 63:  # the kernel's half
            break
        gdb.send("c")
        time.sleep(0.05)
        gdb.socket.sendall(b"\x03")
    else:
        sys.exit("it is never in its kernel")
    if gdb.ask(f"M{rip:x},{len(FREEZE):x}:{FREEZE.hex()}") != "OK":
        sys.exit("its memory cannot be written")
    gdb.ask("D")


main()
