"""How fast SOL is, beside what its protocol allows: one packet is under way at a time, so no more
characters than one packet holds in each round trip.

The round trip is that of ordinary requests on the same session with the same client, alternating with
the packets, so that the load of the machine and the slowness of the client weigh on both alike.
usage: sol.py UART_SOCKET PORT"""
import statistics
import sys
import threading
import time

from ipmi_client import Session, SolConsole
from uart import TEXT, Echo, Uart, check_whole, pattern

ROUNDS, PACKETS, REQUESTS = 40, 50, 50
KEYS = 200
PROMISED = 0.9


def connect(uart, port):
    session = Session(port=port)
    console = SolConsole(session).activate()
    uart.say(b"<begin>")
    console.read_until(b"<begin>")
    return session, console


def time_packets(console, wanted):
    """Seconds until that many characters came, whatever packets they came in."""
    begun = time.perf_counter()
    deadline = time.monotonic() + 30
    while len(console.output) < wanted:
        assert console.pump(deadline), f"{len(console.output)} characters came"
    return time.perf_counter() - begun


def time_requests(session, console):
    """Seconds for so many requests of Get Device ID, while the console is paused: the packet that
    comes meanwhile is answered only afterwards."""
    begun = time.perf_counter()
    for _ in range(REQUESTS):
        code, _ = session.request(6, 0x01)
        assert code == 0
    return time.perf_counter() - begun


def throughput(uart, session, console):
    size = console.outbound - 4
    sent = pattern(ROUNDS * PACKETS * size, "bench", TEXT)
    received, ratios, rates = bytearray(), [], []
    for at in range(0, len(sent), PACKETS * size):
        # All that the round is about lies in the daemon before it begins, behind one packet.
        requests = time_requests(session, console)
        piece = sent[at:at + PACKETS * size]
        talker = threading.Thread(target=uart.say, args=(piece,))
        talker.start()
        seconds = time_packets(console, len(piece))
        talker.join()
        received += console.output
        console.output.clear()
        ideal = size * REQUESTS / requests
        rates.append(len(piece) / seconds)
        ratios.append(rates[-1] / ideal)
    check_whole("SOL", bytes(received), sent)
    ratio = statistics.median(ratios)
    print(f"SOL: {statistics.median(rates) / 1e3:.0f} kB/s, {100 * ratio:.0f} % of {size} characters"
          f" in each round trip")
    return ratio >= PROMISED


def echo(uart, console):
    times = []
    with Echo(uart):
        for key in (b"abcdefghij" * (KEYS // 10)).decode():
            begun = time.perf_counter()
            console.send(key.encode())
            console.read_until(key.encode())
            times.append(time.perf_counter() - begun)
    times.sort()
    print(f"SOL: echo of a key after {times[KEYS // 2] * 1e3:.1f} ms at the median"
          f" (99 %: {times[KEYS * 99 // 100] * 1e3:.1f} ms), with the interval in which characters are"
          f" collected")


def main():
    uart = Uart(sys.argv[1])
    uart.accept()
    session, console = connect(uart, int(sys.argv[2]))
    fast = throughput(uart, session, console)
    echo(uart, console)
    console.deactivate()
    session.close()
    print("all as promised" if fast else "FAILED: below what is promised")
    sys.exit(not fast)


main()
