"""A guest's serial port that is served here, byte by byte as a test wants it: libvirt's test driver has
domains whose <serial type='unix' mode='bind'> nobody serves, so that vbmcd connects to us. And what
such a guest says: patterns of which every piece is found in one place only."""
import os
import random
import select
import socket
import threading
import time

STEPS = 250  # writes a second when paced


class Uart:
    """A listening Unix socket that serves one client at a time, as QEMU does."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)  # the daemon has a user of its own
        self.listener.listen(1)
        self.client = None

    def accept(self):
        self.client, _ = self.listener.accept()
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 256 * 1024)

    def say(self, data, pace=0):
        """At `pace` bytes a second; 0: as fast as the client takes it."""
        if not pace:
            self.client.sendall(data)
            return
        begun, chunk = time.monotonic(), max(1, pace // STEPS)
        for offset in range(0, len(data), chunk):
            self.client.sendall(data[offset:offset + chunk])
            ahead = begun + (offset + chunk) / pace - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)

    def echo(self, stop):
        """Each byte back at once, as a terminal's line discipline does, until `stop` is set (an
        event) or the connection ends."""
        while not stop.is_set():
            readable, _, _ = select.select([self.client], [], [], 0.05)
            if readable:
                data = self.client.recv(4096)
                if not data:
                    return
                self.client.sendall(data)


class Background:
    """with Background(uart.say, data): the function runs meanwhile, and has ended afterwards."""

    def __init__(self, function, *arguments):
        self.error = None
        self.thread = threading.Thread(target=self.run, args=(function, arguments), daemon=True)

    def run(self, function, arguments):
        try:
            function(*arguments)
        except Exception as error:  # told by __exit__
            self.error = error

    def __enter__(self):
        self.thread.start()

    def __exit__(self, kind, *_):
        if kind is None:
            self.thread.join(60)
            assert not self.thread.is_alive() and self.error is None, self.error


class Echo:
    """with Echo(uart): what is typed comes back."""

    def __init__(self, uart):
        self.stop = threading.Event()
        self.background = Background(uart.echo, self.stop)

    def __enter__(self):
        self.background.__enter__()

    def __exit__(self, *exception):
        self.stop.set()
        self.background.__exit__(*exception)


TEXT = bytes(range(0x20, 0x7E))  # without ~, which clients look for in what is typed
ALL = bytes(range(256))


def pattern(size, seed, alphabet=ALL, line=64):
    """Random characters in lines; with line=0 without line ends."""
    data = bytearray(random.Random(seed).choices(alphabet, k=size))
    if line:
        for end in range(line, size, line):
            data[end - 2:end] = b"\r\n"
    return bytes(data)


def common(one, two):
    """How many bytes the two have in common at their beginnings."""
    low, high = 0, min(len(one), len(two))
    if one[:high] == two[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == two[low:middle]:
            low = middle
        else:
            high = middle
    return low


def check_whole(name, received, sent):
    at = common(received, sent)
    assert received == sent, f"{name}: {len(received)} bytes of {len(sent)}, wrong from {at} on:" \
        f" {received[at:at + 80]!r} in place of {sent[at:at + 80]!r}"


def check_gaps(name, received, sent, gaps):
    """`received` is `sent` with as many bytes missing, in this order, as the gaps say, and nowhere
    else.  That a few bytes behind a gap may be those that were expected before it does no harm."""
    at, lost = 0, 0
    for gap in list(gaps) + [None]:
        at += common(received[at:], sent[at + lost:])
        if gap is not None:
            assert at < len(received), f"{name}: {gap} bytes are called lost that are there"
            lost += gap
    assert at == len(received) and at + lost == len(sent), \
        f"{name}: wrong from {at} on, {len(received)} bytes of {len(sent)}, gaps {gaps}"
