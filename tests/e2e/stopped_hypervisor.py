"""A hypervisor that is stopped (SIGSTOP) for some time, as clients of its BMCs and of another one's see
it: how long the other's answers take before and meanwhile; that its own are busy, and right when it goes
on, though one of its guests has ended meanwhile."""
import argparse
import os
import signal
import socket
import threading
import time

from ipmi_client import Session

BUSY = 0xC0


def connect(port):
    session = Session(port=port, attempts=3, timeout=20)
    session.set_privilege()
    return session


class Watcher(threading.Thread):
    """Asks a BMC for the power of its guest, again and again: (when it was asked, answer)."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.session = connect(port)
        self.answers = []
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(0.05):
            asked = time.monotonic()
            self.answers.append((asked, self.session.power_status()))

    def since(self, begun):
        return [answer for asked, answer in list(self.answers) if asked >= begun]

    def wait_for(self, wanted, begun, seconds, what):
        """How long after `begun` the first such answer was asked for."""
        while True:
            is_late = time.monotonic() > begun + seconds
            for asked, answer in list(self.answers):
                if begun <= asked <= begun + seconds and answer == wanted:
                    return asked - begun
            assert not is_late, "not within %d s: %s; %s" % (seconds, what, self.since(begun)[-5:])
            time.sleep(0.02)


class Echo:
    """A process that sends back what it gets: how long the machine takes for a round, busy as it is."""

    def __init__(self):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 0))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(server.getsockname())
        self.socket.settimeout(60)
        self.pid = os.fork()
        if self.pid == 0:
            while True:
                server.sendto(*server.recvfrom(1024))

    def ask(self):
        begun = time.perf_counter()
        self.socket.send(bytes(80))
        self.socket.recv(1024)
        return (time.perf_counter() - begun) * 1000


def measure(session, echo, seconds):
    """Chassis status and a sensor, in turn, 200 in a second: their times in ms, and those of as many
    echoes, sorted.  One that is not answered fails."""
    times, echoes, end = [], [], time.monotonic() + seconds
    while time.monotonic() < end:
        echoes.append(echo.ask())
        begun = time.perf_counter()
        if len(times) % 2:
            code, _ = session.request(0x04, 0x2D, b"\1")
            assert code == 0, "Get Sensor Reading: %02x" % code
        else:
            assert session.power_status() is True
        times.append((time.perf_counter() - begun) * 1000)
        time.sleep(max(0.0, 0.005 - times[-1] / 1000))
    return sorted(times), sorted(echoes)


def p99(times):
    return times[len(times) * 99 // 100]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--stop", type=int, nargs="+", required=True, help="processes of the hypervisor")
    parser.add_argument("--kill", type=int, required=True, help="the QEMU of one of its guests")
    parser.add_argument("--runs", type=int, required=True, help="port of the one that runs on")
    parser.add_argument("--ends", type=int, required=True, help="port of the one that ends")
    parser.add_argument("--other", type=int, required=True, help="port of a BMC of the other hypervisor")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--patience", type=int, default=1)
    parser.add_argument("--promise", action="store_true", help="on a machine that does nothing else")
    options = parser.parse_args()
    echo = Echo()  # before there are threads
    runs, ends, other = Watcher(options.runs), Watcher(options.ends), connect(options.other)
    other.attempts, other.timeout = 1, 5.0 * options.patience
    for watcher in runs, ends:
        watcher.start()
        watcher.wait_for(True, time.monotonic(), 20 * options.patience, "on")
    before, echoes_before = measure(other, echo, 20 if options.promise else 1)

    stopped = time.monotonic()
    for pid in options.stop:
        os.kill(pid, signal.SIGSTOP)
    os.kill(options.kill, signal.SIGKILL)
    try:
        meanwhile, echoes = measure(other, echo, options.seconds)
        for watcher in runs, ends:
            busy = watcher.wait_for(BUSY, stopped, 15 * options.patience, "busy")
            print("busy after %.1f s" % busy)
            assert set(watcher.since(stopped + busy)) == {BUSY}, watcher.since(stopped + busy)
    finally:
        goes_on = time.monotonic()
        for pid in options.stop:
            os.kill(pid, signal.SIGCONT)
    limit = 5 if options.promise else 60 * options.patience
    took = max(runs.wait_for(True, goes_on, limit, "on"), ends.wait_for(False, goes_on, limit, "off"))
    for watcher, wrong in (runs, False), (ends, True):
        watcher.stopping.set()
        watcher.join()
        assert not [answer for answer in watcher.since(goes_on) if answer is wrong]
    print("right %.1f s after it went on" % took)
    print("the other's answers: %d with p99 %.2f ms (echo %.2f), then %d with p99 %.2f ms (echo %.2f)"
          % (len(before), p99(before), p99(echoes_before), len(meanwhile), p99(meanwhile), p99(echoes)))
    os.kill(echo.pid, signal.SIGKILL)
    if options.promise and max(p99(echoes_before), p99(echoes)) > 2:
        print("too busy a machine to look for 2 ms: an echo takes longer")
    elif options.promise:
        assert p99(meanwhile) <= p99(before) + 2, "the p99 rose by more than 2 ms"


if __name__ == "__main__":
    main()
