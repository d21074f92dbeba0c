"""SOL over a network that loses, doubles and reorders datagrams, with our own client: output and what
is typed arrive whole and in order.
usage: sol_loss.py UART_SOCKET PORT SIZE SEED...; each seed has a proxy of its own before the BMC, at
another address with the same port: ipmiconsole wants the one that the answer to its activation names"""
import os
import re
import subprocess
import sys
import time

from ipmi_client import Session, SolConsole
from terminal import PATIENCE, Console
from uart import ALL, TEXT, Background, Echo, Uart, check_whole, pattern

PROXY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sol_proxy.py")
HOST = "127.0.0.2"  # of the proxy
RETRY_S = 0.06  # longer than the proxy holds a datagram back
SUITES = (17, 3)
TYPED, PIECE = 4096, 32
# For clients that people use; what they do about a login that loses datagrams is their own affair.
REAL, MILD = 16384, ["0.02", "0.01", "0.01", "24"]


class Proxy:
    def __init__(self, port, seed, probabilities=()):
        self.process = subprocess.Popen([sys.executable, PROXY, HOST, str(port), "127.0.0.1", str(port),
                                         str(seed), *probabilities], stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"

    def stop(self):
        """How many datagrams it did something to, for each thing."""
        self.process.terminate()
        text = self.process.communicate()[0].decode()
        return {what: sum(map(int, re.findall(rf"'{what}': (\d+)", text)))
                for what in ("passed", "dropped", "doubled", "reordered")}


def open_console(port, suite):
    session = Session(HOST, port, suite=suite, timeout=0.3, attempts=30)
    session.set_privilege()
    # An Activate Payload whose answer is lost is answered "already active" when it is repeated.
    return SolConsole(session, RETRY_S, 100).activate(take_over=True)


def read_until(console, mark, deadline):
    while mark not in console.output[-len(mark) - 2 * console.outbound:]:
        assert console.pump(deadline), f"{len(console.output)} bytes came"
    text = bytes(console.output)
    console.output.clear()
    return text[:text.index(mark)]


def check_output(uart, console, sent, mark):
    with Background(uart.say, sent + mark):
        deadline = time.monotonic() + (20 + len(sent) / 10000) * PATIENCE
        check_whole("output", read_until(console, mark, deadline), sent)


def check_typed(uart, console, sent):
    """Sent and echoed at the same time."""
    with Echo(uart):
        for at in range(0, len(sent), PIECE):
            console.send(sent[at:at + PIECE])
        deadline = time.monotonic() + 20 * PATIENCE
        while len(console.output) < len(sent):
            assert console.pump(deadline), f"{len(console.output)} bytes came back"
    check_whole("what was typed", bytes(console.output), sent)
    console.output.clear()


def check(uart, port, size, seed):
    proxy = Proxy(port, seed)
    suite = SUITES[seed % len(SUITES)]
    begun = time.monotonic()
    console = open_console(port, suite)
    hello = b"hello %d\r\n" % seed
    uart.say(hello)
    read_until(console, hello, time.monotonic() + 20 * PATIENCE)
    check_output(uart, console, pattern(size, seed, ALL), b"end %d\r\n" % seed)
    check_typed(uart, console, pattern(TYPED, seed, ALL, 0))
    check_output(uart, console, pattern(4096, seed, ALL), b"the end %d\r\n" % seed)
    assert not console.overran and not console.deactivated
    console.deactivate()
    counts = proxy.stop()
    assert counts["dropped"] and counts["doubled"] and counts["reordered"]
    assert console.resent and console.repeats, "the test is too weak"
    print(f"seed {seed}, suite {suite}: {size} bytes and {TYPED} typed in"
          f" {time.monotonic() - begun:.1f} s; {counts}; we sent {console.resent} packets again,"
          f" the BMC {console.repeats}")


def check_real(uart, port, name, seed):
    """A client that people use, with a network that is not that bad."""
    proxy = Proxy(port, seed, MILD)
    hello, mark = (b"%s %s %d\r\n" % (word, name.encode(), seed) for word in (b"hello", b"end"))
    sent = pattern(REAL, seed, TEXT)
    begun = time.monotonic()
    console = Console(name, "g1", port, host=HOST)
    console.expect(rb"SOL (Session operational|established).*\n")
    with Background(uart.say, hello + sent + mark):
        console.expect(hello)
        check_whole(name, console.expect(mark, 60 * PATIENCE), sent)
    console.leave()
    print(f"{name}, seed {seed}: {REAL} bytes in {time.monotonic() - begun:.1f} s; {proxy.stop()}")


def main():
    uart = Uart(sys.argv[1])
    uart.accept()
    for seed in sys.argv[4:]:
        check(uart, int(sys.argv[2]), int(sys.argv[3]), int(seed))
    for seed in sys.argv[4:]:
        for name in ("ipmiconsole", "ipmitool"):
            check_real(uart, int(sys.argv[2]), name, int(seed))


main()
