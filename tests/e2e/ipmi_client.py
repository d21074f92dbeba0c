"""A small IPMI 2.0 client whose every packet a test decides: RMCP+ login with cipher suite 3 or 17,
requests with a chosen rqSeq, and retransmissions as ipmitool makes them (same message, new session
sequence number).  IPMI 2.0, chapters 13 and 22."""
import hashlib
import hmac
import os
import socket
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# Cipher suite: authentication, integrity, confidentiality algorithm; hash; bytes of a packet's code.
SUITES = {3: ((1, 1, 1), hashlib.sha1, 12), 17: ((3, 4, 1), hashlib.sha256, 16)}
OPEN_SESSION, RAKP1, RAKP3 = 0x10, 0x12, 0x14
CONSOLE_ID = struct.pack("<I", 0xA0A2A3A4)
ADMINISTRATOR = 4


class Refused(Exception):
    """The BMC answered the login with a status code."""


def checksum(data):
    return bytes([-sum(data) & 0xFF])


class Session:
    def __init__(self, host="127.0.0.1", port=623, user="admin", password="secret", suite=17,
                 timeout=5.0):
        self.algorithms, self.hash, self.code_size = SUITES[suite]
        self.user, self.password = user.encode(), password.encode()
        self.sequence = 0
        self.rq_seq = 0
        self.bmc_id = None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(timeout)
        self.socket.connect((host, port))
        self.login()

    def hmac(self, key, data):
        return hmac.new(key, data, self.hash).digest()

    # ---- login ----

    def exchange_clear(self, payload_type, payload):
        header = struct.pack("<BBIIH", 6, payload_type, 0, 0, len(payload))
        self.socket.send(b"\x06\x00\xff\x07" + header + payload)
        answer = self.socket.recv(1024)[16:]
        if answer[1] != 0:
            raise Refused("status %02x" % answer[1])
        return answer

    def login(self):
        parts = [struct.pack("<BxxBBxxx", kind, 8, algorithm)
                 for kind, algorithm in enumerate(self.algorithms)]
        answer = self.exchange_clear(OPEN_SESSION, bytes(4) + CONSOLE_ID + b"".join(parts))
        self.bmc_id = answer[8:12]
        console_random = os.urandom(16)
        who = bytes([0x10 | ADMINISTRATOR, len(self.user)]) + self.user
        answer = self.exchange_clear(RAKP1, bytes(4) + self.bmc_id + console_random + who[:1]
                                     + bytes(2) + who[1:])
        bmc_random, guid, code = answer[8:24], answer[24:40], answer[40:]
        if code != self.hmac(self.password, CONSOLE_ID + self.bmc_id + console_random
                             + bmc_random + guid + who):
            raise Refused("wrong password")
        session_key = self.hmac(self.password, console_random + bmc_random + who)
        self.integrity_key = self.hmac(session_key, b"\x01" * 20)
        self.aes_key = self.hmac(session_key, b"\x02" * 20)[:16]
        code = self.hmac(self.password, bmc_random + CONSOLE_ID + who)
        answer = self.exchange_clear(RAKP3, bytes(4) + self.bmc_id + code)
        expected = self.hmac(session_key, console_random + self.bmc_id + guid)
        assert answer[8:] == expected[:self.code_size]

    # ---- packets ----

    def cipher(self, initial):
        return Cipher(algorithms.AES(self.aes_key), modes.CBC(initial))

    def send(self, netfn, command, data=b"", rq_seq=0):
        """Sends a request in a packet of its own; the session sequence number is always new."""
        head, body = bytes([0x20, netfn << 2]), bytes([0x81, rq_seq << 2, command]) + data
        message = head + checksum(head) + body + checksum(body)
        pad = -(len(message) + 1) % 16
        plain = message + bytes(range(1, pad + 1)) + bytes([pad])
        initial = os.urandom(16)
        encryptor = self.cipher(initial).encryptor()
        payload = initial + encryptor.update(plain) + encryptor.finalize()
        self.sequence += 1
        packet = struct.pack("<BB4sIH", 6, 0xC0, self.bmc_id, self.sequence, len(payload)) + payload
        pad = -(len(packet) + 2) % 4
        packet += b"\xff" * pad + bytes([pad, 7])
        packet += self.hmac(self.integrity_key, packet)[:self.code_size]
        datagram = b"\x06\x00\xff\x07" + packet
        self.socket.send(datagram)
        return datagram

    def receive(self):
        """The next answer: (rqSeq, completion code, data)."""
        packet = self.socket.recv(1024)
        size = struct.unpack_from("<H", packet, 14)[0]
        payload = packet[16:16 + size]
        assert packet[-self.code_size:] == \
            self.hmac(self.integrity_key, packet[4:-self.code_size])[:self.code_size]
        decryptor = self.cipher(payload[:16]).decryptor()
        plain = decryptor.update(payload[16:]) + decryptor.finalize()
        message = plain[:len(plain) - 1 - plain[-1]]
        return message[4] >> 2, message[6], message[7:-1]

    # ---- commands ----

    def request(self, netfn, command, data=b""):
        """One request and its answer: (completion code, data)."""
        self.rq_seq = (self.rq_seq + 1) % 64
        self.send(netfn, command, data, self.rq_seq)
        while True:
            rq_seq, code, answer = self.receive()
            if rq_seq == self.rq_seq:
                return code, answer

    def set_privilege(self, level=ADMINISTRATOR):
        code, _ = self.request(6, 0x3B, bytes([level]))
        assert code == 0, code

    def power_status(self):
        """True, False, or the completion code that was the answer."""
        code, data = self.request(0, 0x01)
        return bool(data[0] & 1) if code == 0 else code

    def close(self):
        self.request(6, 0x3C, self.bmc_id)
        self.socket.close()


if __name__ == "__main__":  # ipmi_client.py HOST PORT USER PASSWORD: the power status
    import sys
    session = Session(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
    print({True: "on", False: "off"}.get(status := session.power_status(), status))
    session.close()
