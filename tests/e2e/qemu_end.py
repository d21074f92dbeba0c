"""QEMU's end of a guest's in-band socket (QEMU's hw/ipmi/ipmi_bmc_extern.c), for tests of what no guest
does by itself.

Usage: qemu_end.py PATH REQUEST...     "NetFn command data..", in hexadecimal; prints each answer"""

import socket
import sys

END_OF_MESSAGE, END_OF_COMMAND, ESCAPE = 0xA0, 0xA1, 0xAA
INITIALISING = 0xD2


def escaped(data):
    out = bytearray()
    for byte in data:
        out += bytes([ESCAPE, byte | 0x10]) if byte in (END_OF_MESSAGE, END_OF_COMMAND, ESCAPE) else bytes([byte])
    return bytes(out)


class QemuEnd:
    def __init__(self, path, seconds=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(path)
        self.socket.sendall(bytes.fromhex("ff01a1083fa1"))
        self.sequence = 0
        self.pending = bytearray()
        self.commands = []  # of the BMC's

    def close(self):
        self.socket.close()

    def unit(self):
        """The next one: its terminator, and its bytes."""
        while True:
            for at, byte in enumerate(self.pending):
                if byte in (END_OF_MESSAGE, END_OF_COMMAND):
                    raw, self.pending = self.pending[:at], self.pending[at + 1:]
                    data, escapes = bytearray(), False
                    for value in raw:
                        if value == ESCAPE:
                            escapes = True
                            continue
                        data.append(value & ~0x10 if escapes else value)
                        escapes = False
                    return byte, bytes(data)
            received = self.socket.recv(4096)
            if not received:
                raise EOFError("the BMC has closed the connection")
            self.pending += received

    def send(self, netfn, command, data=b""):
        self.sequence = (self.sequence + 1) % 256
        body = bytes([self.sequence, netfn << 2, command]) + data
        self.socket.sendall(escaped(body + bytes([-sum(body) & 0xFF])) + bytes([END_OF_MESSAGE]))
        return self.sequence

    def answer(self):
        """Of the request sent last: completion code and data."""
        while True:
            end, data = self.unit()
            if end == END_OF_COMMAND:
                self.commands.append(data)
                continue
            assert sum(data) & 0xFF == 0, data.hex()
            if data[0] != self.sequence and data[3] == INITIALISING:
                continue  # to what another connection may have lost (vbmc/inband/interface.h)
            assert data[0] == self.sequence, (data.hex(), self.sequence)
            return data[3:-1]

    def ask(self, netfn, command, data=b""):
        self.send(netfn, command, data)
        return self.answer()


def main():
    qemu = QemuEnd(sys.argv[1])
    for request in sys.argv[2:]:
        data = bytes.fromhex(request)
        print(qemu.ask(data[0], data[1], data[2:]).hex(" "))
    qemu.close()


if __name__ == "__main__":
    main()
