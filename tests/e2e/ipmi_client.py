"""A small IPMI 2.0 client whose every packet a test decides: RMCP+ login with cipher suite 3 or 17,
requests with a chosen rqSeq, retransmissions as ipmitool makes them (same message, new session
sequence number), and Serial over LAN.  IPMI 2.0, chapters 13, 15, 22 and 24."""
import hashlib
import hmac
import os
import socket
import struct
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# Cipher suite: authentication, integrity, confidentiality algorithm; hash; bytes of a packet's code.
SUITES = {3: ((1, 1, 1), hashlib.sha1, 12), 17: ((3, 4, 1), hashlib.sha256, 16)}
IPMI, SOL, OPEN_SESSION, RAKP1, RAKP3 = 0x00, 0x01, 0x10, 0x12, 0x14
CONSOLE_ID = struct.pack("<I", 0xA0A2A3A4)
ADMINISTRATOR = 4


class Refused(Exception):
    """The BMC answered with a status or completion code."""


def checksum(data):
    return bytes([-sum(data) & 0xFF])


class Session:
    """attempts and timeout: how often each packet of the login and each request is sent, and how
    long its answer is waited for each time.  source: the address to send from.  level: asked for.
    kg: the BMC key, where it has one."""

    def __init__(self, host="127.0.0.1", port=623, user="admin", password="secret", suite=17,
                 timeout=30.0, attempts=1, source=None, level=ADMINISTRATOR, kg=None):
        self.algorithms, self.hash, self.code_size = SUITES[suite]
        self.kg = kg
        self.user, self.password = user.encode(), password.encode()
        self.sequence = 0
        self.rq_seq = 0
        self.bmc_id = None
        self.heard = 0  # highest session sequence number that came
        self.on_sol = None  # called with each SOL payload
        self.timeout, self.attempts, self.level = timeout, attempts, level
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((host, port))
        self.login()

    def hmac(self, key, data):
        return hmac.new(key, data, self.hash).digest()

    # ---- login ----

    def exchange_clear(self, payload_type, payload):
        header = struct.pack("<BBIIH", 6, payload_type, 0, 0, len(payload))
        for _ in range(self.attempts):
            self.socket.send(b"\x06\x00\xff\x07" + header + payload)
            try:
                answer = self.receive_clear(payload_type + 1)
            except TimeoutError:
                continue
            if answer[1] != 0:
                raise Refused("status %02x" % answer[1])
            return answer
        raise TimeoutError("no answer to payload type %02x" % payload_type)

    def receive_datagram(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.socket.settimeout(left)
        return self.socket.recv(1024)

    def receive_clear(self, payload_type):
        """The answer of that type; others are late ones to packets sent before."""
        deadline = time.monotonic() + self.timeout
        while True:
            packet = self.receive_datagram(deadline)
            if packet[5] == payload_type:
                return packet[16:]

    def login(self):
        parts = [struct.pack("<BxxBBxxx", kind, 8, algorithm)
                 for kind, algorithm in enumerate(self.algorithms)]
        answer = self.exchange_clear(OPEN_SESSION, bytes(4) + CONSOLE_ID + b"".join(parts))
        self.bmc_id = answer[8:12]
        console_random = os.urandom(16)
        who = bytes([0x10 | self.level, len(self.user)]) + self.user
        answer = self.exchange_clear(RAKP1, bytes(4) + self.bmc_id + console_random + who[:1]
                                     + bytes(2) + who[1:])
        bmc_random, guid, code = answer[8:24], answer[24:40], answer[40:]
        if code != self.hmac(self.password, CONSOLE_ID + self.bmc_id + console_random
                             + bmc_random + guid + who):
            raise Refused("wrong password")
        session_key = self.hmac(self.kg or self.password, console_random + bmc_random + who)
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
        return self.send_payload(IPMI, head + checksum(head) + body + checksum(body))

    def send_payload(self, payload_type, message):
        pad = -(len(message) + 1) % 16
        plain = message + bytes(range(1, pad + 1)) + bytes([pad])
        initial = os.urandom(16)
        encryptor = self.cipher(initial).encryptor()
        payload = initial + encryptor.update(plain) + encryptor.finalize()
        self.sequence += 1
        packet = struct.pack("<BB4sIH", 6, 0xC0 | payload_type, self.bmc_id, self.sequence,
                             len(payload)) + payload
        pad = -(len(packet) + 2) % 4
        packet += b"\xff" * pad + bytes([pad, 7])
        packet += self.hmac(self.integrity_key, packet)[:self.code_size]
        datagram = b"\x06\x00\xff\x07" + packet
        self.socket.send(datagram)
        return datagram

    def receive_payload(self, deadline):
        """The next packet of the session: (payload type, payload).  What was overtaken is dropped:
        with one packet under way at a time, only repeats can be."""
        while True:
            packet = self.receive_datagram(deadline)
            number, size = struct.unpack_from("<IH", packet, 10)
            if packet[6:10] == CONSOLE_ID and number > self.heard:
                break
        self.heard = number
        payload = packet[16:16 + size]
        assert packet[-self.code_size:] == \
            self.hmac(self.integrity_key, packet[4:-self.code_size])[:self.code_size]
        decryptor = self.cipher(payload[:16]).decryptor()
        plain = decryptor.update(payload[16:]) + decryptor.finalize()
        return packet[5] & 0x3F, plain[:len(plain) - 1 - plain[-1]]

    def receive(self, deadline=None):
        """The next answer: (rqSeq, completion code, data)."""
        deadline = deadline or time.monotonic() + self.timeout
        while True:
            payload_type, payload = self.receive_payload(deadline)
            if payload_type == IPMI:
                return payload[4] >> 2, payload[6], payload[7:-1]
            if payload_type == SOL and self.on_sol:
                self.on_sol(payload)

    # ---- commands ----

    def request(self, netfn, command, data=b""):
        """One request and its answer: (completion code, data)."""
        self.rq_seq = (self.rq_seq + 1) % 64
        for _ in range(self.attempts):
            self.send(netfn, command, data, self.rq_seq)
            deadline = time.monotonic() + self.timeout
            try:
                while True:
                    rq_seq, code, answer = self.receive(deadline)
                    if rq_seq == self.rq_seq:
                        return code, answer
            except TimeoutError:
                continue
        raise TimeoutError("no answer to %02x.%02x" % (netfn, command))

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


class SolConsole:
    """Serial over LAN on a session: stop and wait in both directions.  Counts what it saw in
    `resent` (own packets sent again), `repeats` (packets of the BMC that came again) and `overran`
    (of characters that the BMC had to drop: where in all output the packets that said so began, and
    their sizes); `deactivated` is set when the BMC says that it is over.
    """
    NACK, UNAVAILABLE, DEACTIVATED, OVERRUN = 0x40, 0x20, 0x10, 0x08  # from the BMC
    BREAK, FLUSH_INBOUND, FLUSH_OUTBOUND = 0x10, 0x02, 0x01  # to the BMC

    def __init__(self, session, retry_interval=0.5, retries=16):
        self.session, self.retry_interval, self.retries = session, retry_interval, retries
        self.resent = self.repeats = self.total = 0
        self.overran = []
        self.active = self.deactivated = False
        self.output = bytearray()  # of the guest, not yet read
        self.own, self.answer = 0, None  # sequence of the last own packet; its (count, status)
        self.theirs, self.taken = 0, 0  # sequence of the BMC's last packet; how many we took of it
        self.refuse_after = None

    def activate(self, take_over=False, flags=0xC6):
        """Raises Refused with the completion code as its argument."""
        code, data = self.session.request(6, 0x48, bytes([SOL, 1, flags, 0, 0, 0]))
        if code == 0x80 and take_over:
            self.session.request(6, 0x49, bytes([SOL, 1, 0, 0, 0, 0]))
            code, data = self.session.request(6, 0x48, bytes([SOL, 1, flags, 0, 0, 0]))
        if code != 0:
            raise Refused(code)
        self.inbound, self.outbound, self.port = struct.unpack_from("<HHH", data, 4)
        self.session.on_sol = self.handle
        self.active = True
        return self

    def deactivate(self):
        """The completion code."""
        code, _ = self.session.request(6, 0x49, bytes([SOL, 1, 0, 0, 0, 0]))
        self.session.on_sol = None
        self.active = False
        return code

    # ---- from the BMC ----

    def refuse_next(self, take=0):
        """Answers the BMC's next characters with a NACK, taking so many of them."""
        self.refuse_after = take

    def handle(self, payload):
        sequence, acknowledged, accepted, status = payload[:4]
        data = payload[4:]
        assert sequence <= 15 and acknowledged <= 15 and len(payload) <= self.outbound, payload
        if acknowledged == self.own and acknowledged:
            self.answer = (accepted, status)
        if status & self.DEACTIVATED:
            self.deactivated = True
        if not sequence:
            return
        operation = 0
        if sequence == self.theirs:
            self.repeats += 1
        else:
            assert sequence == self.theirs % 15 + 1, "sequence %d after %d" % (sequence, self.theirs)
            self.theirs, self.taken = sequence, len(data)
            if status & self.OVERRUN:
                self.overran.append((self.total, len(data)))
            if self.refuse_after is not None:
                self.taken = min(self.refuse_after, self.taken)
                operation, self.refuse_after = self.NACK, None
            self.output += data[:self.taken]
            self.total += self.taken
        self.session.send_payload(SOL, bytes([0, sequence, self.taken, operation]))

    def pump(self, deadline):
        """Handles one packet; False when the time is over."""
        try:
            payload_type, payload = self.session.receive_payload(deadline)
        except TimeoutError:
            return False
        if payload_type == SOL:
            self.handle(payload)
        return True

    def read(self, timeout=0.0):
        """What the guest said, waiting for some if there is none."""
        deadline = time.monotonic() + timeout
        while not self.output and self.pump(deadline):
            pass
        data, self.output = bytes(self.output), bytearray()
        return data

    def read_until(self, wanted, timeout=60.0):
        """What the guest said up to and with `wanted`; the rest stays.  TimeoutError holds what came
        instead."""
        deadline = time.monotonic() + timeout
        while wanted not in self.output:
            if not self.pump(deadline):
                raise TimeoutError(bytes(self.output))
        end = self.output.index(wanted) + len(wanted)
        data, self.output = bytes(self.output[:end]), self.output[end:]
        return data

    # ---- to the BMC ----

    def send_packet(self, data=b"", operation=0):
        """One packet under a new sequence number, again until it is answered: (count, status)."""
        self.own, self.answer = self.own % 15 + 1, None
        for attempt in range(self.retries + 1):
            self.session.send_payload(SOL, bytes([self.own, 0, 0, operation]) + data)
            self.resent += attempt > 0
            deadline = time.monotonic() + self.retry_interval
            while self.answer is None and self.pump(deadline):
                pass
            if self.answer is not None:
                return self.answer
        raise TimeoutError("packet %d is not acknowledged" % self.own)

    def wait_for_resume(self):
        """After a NACK: until the BMC acknowledges the same packet without one, or some time."""
        deadline = time.monotonic() + self.retry_interval
        while self.answer[1] & self.NACK and self.pump(deadline):
            pass

    def send(self, data):
        """Types characters; returns when all are taken.  What a NACK refused is sent again."""
        while data:
            taken, status = self.send_packet(data[:self.inbound - 4])
            data = data[taken:]
            if status & self.NACK:
                self.wait_for_resume()
            elif not taken:
                raise Refused("nothing taken and no NACK")

    def send_break(self):
        self.send_packet(operation=self.BREAK)


if __name__ == "__main__":  # ipmi_client.py HOST PORT USER PASSWORD: the power status
    import sys
    session = Session(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
    print({True: "on", False: "off"}.get(status := session.power_status(), status))
    session.close()
