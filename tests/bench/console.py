"""How fast the ways to a console are, beside what the same source gives to somebody without vbmcd.

usage: console.py UART_SOCKET DIRECT_SOCKET COMMAND_NAME=COMMAND...

Both sockets are served here and act as a guest's serial port: UART_SOCKET is the one vbmcd holds,
DIRECT_SOCKET is read by socat. A command prints the console to its standard output and sends its
standard input there ("vbmc console g1", "ssh ... console g1"). Throughput is of bytes that arrived,
in order and whole, so that what was lost on the way counts against it."""
import os
import select
import shlex
import socket
import statistics
import subprocess
import sys
import threading
import time

from uart import Uart

PACE = 4_000_000  # bytes a second: more than any guest's UART gives
PACED_S = 4
UNPACED = 64 * 1024 * 1024
KEYS = 300
END = b"the end of it\n"


def pattern(size):
    line = b"%012d the quick brown fox jumps over the lazy dog 0123456789\n"
    lines = b"".join(line % i for i in range(size // len(line % 0)))
    return lines + END


def read_until_end(out, seconds):
    """All bytes until END, and the time from the first to the last of them."""
    data, first, last = bytearray(), None, None
    deadline = time.monotonic() + seconds
    while not data.endswith(END):
        readable, _, _ = select.select([out], [], [], max(0, deadline - time.monotonic()))
        piece = os.read(out, 1 << 20) if readable else b""
        if not piece:
            break
        last = time.monotonic()
        first = first or last
        data += piece
    return bytes(data), (last - first) if first else 0


def count_right(data, sent):
    """How many bytes of `data` are lines of `sent`, in their order: what was garbled or repeated
    does not count."""
    right, at = 0, -1
    known = {}
    for number, line in enumerate(sent.split(b"\n")[:-1]):
        known[line] = number
    for line in data.split(b"\n"):
        number = known.get(line.rstrip(b"\r"), -1)
        if number > at:
            right += len(line) + 1
            at = number
    return right


def throughput(uart, command, pace):
    data = pattern(PACE * PACED_S if pace else UNPACED)
    with subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        if uart.client is None:
            uart.accept()
        time.sleep(1)  # until the client has shown its replay
        while select.select([process.stdout], [], [], 0.2)[0]:
            os.read(process.stdout.fileno(), 1 << 20)
        talker = threading.Thread(target=uart.say, args=(data, pace), daemon=True)
        talker.start()
        received, seconds = read_until_end(process.stdout.fileno(), 60)
        talker.join(60)
        process.kill()
    right = count_right(received, data)
    return right / seconds if seconds else 0, right / len(data)


def latencies(write, read):
    """Seconds from each key to its echo."""
    times = []
    for key in (b"abcdefghij" * (KEYS // 10)).decode():
        begun = time.perf_counter()
        os.write(write, key.encode())
        while True:
            if not select.select([read], [], [], 5)[0]:
                raise AssertionError("no echo")
            if key.encode() in os.read(read, 4096):
                break
        times.append(time.perf_counter() - begun)
        time.sleep(0.002)
    return times


def echo_through(uart, command):
    with subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        if uart.client is None:
            uart.accept()
        stop = threading.Event()
        peer = threading.Thread(target=uart.echo, args=(stop,), daemon=True)
        peer.start()
        time.sleep(1)
        while select.select([process.stdout], [], [], 0.2)[0]:
            os.read(process.stdout.fileno(), 1 << 20)
        times = latencies(process.stdin.fileno(), process.stdout.fileno())
        stop.set()
        peer.join()
        process.kill()
    return times


def echo_directly(path, uart):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    uart.accept()
    stop = threading.Event()
    peer = threading.Thread(target=uart.echo, args=(stop,), daemon=True)
    peer.start()
    times = latencies(client.fileno(), client.fileno())
    stop.set()
    peer.join()
    client.close()
    uart.client = None
    return times


def main():
    uart, direct = Uart(sys.argv[1]), Uart(sys.argv[2])
    commands = [argument.split("=", 1) for argument in sys.argv[3:]]
    socat = f"socat -u UNIX-CONNECT:{sys.argv[2]} STDOUT"
    failed = False

    uart.accept()  # vbmcd
    for label, pace in (("paced at 4 MB/s", PACE), ("unpaced", 0)):
        base, _ = throughput(direct, socat, pace)
        direct.client = None
        print(f"{label}: socat {base / 1e6:.1f} MB/s")
        for name, command in commands:
            rate, whole = throughput(uart, command, pace)
            print(f"{label}: {name} {rate / 1e6:.1f} MB/s, {100 * rate / base:.0f} % of socat,"
                  f" {100 * whole:.1f} % of the bytes arrived")
            if pace and rate < 0.9 * base:
                failed = True
    base = statistics.median(echo_directly(sys.argv[2], direct))
    print(f"echo of a key: direct {base * 1e3:.3f} ms at the median")
    for name, command in commands:
        times = echo_through(uart, command)
        added = statistics.median(times) - base
        print(f"echo of a key: {name} adds {added * 1e3:.3f} ms at the median"
              f" (99 %: {(sorted(times)[int(len(times) * 0.99)] - base) * 1e3:.3f} ms)")
        if added >= 1e-3:
            failed = True
    print("FAILED: below what is promised" if failed else "all as promised")
    sys.exit(failed)


main()
