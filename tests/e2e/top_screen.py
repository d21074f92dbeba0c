"""`vbmc top` on a terminal, before a daemon that this script plays (fake_daemon.py)."""
import json
import os
import re
import signal
import subprocess
import sys
import time

from screen import PATIENCE, Screen

FOLDER = sys.argv[1]
SOCKET, ANSWERS = f"{FOLDER}/fake.sock", f"{FOLDER}/answers.json"
HERE = os.path.dirname(os.path.abspath(__file__))
ALTERNATE_SCREEN = 1049


class Daemon:
    def __init__(self):
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, f"{HERE}/fake_daemon.py", SOCKET, ANSWERS],
            stdout=subprocess.DEVNULL)
        end = time.monotonic() + 30 * PATIENCE
        while not os.path.exists(SOCKET):
            assert time.monotonic() < end, "the fake daemon does not come"
            time.sleep(0.02)

    def stop(self):
        self.process.kill()
        self.process.wait()
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)


def answer(rows):
    with open(ANSWERS + ".new", "w", encoding="utf-8") as file:
        json.dump({"top": rows}, file)
    os.rename(ANSWERS + ".new", ANSWERS)


def bmc(name, power="on", **values):
    off = dict.fromkeys(("cpu", "memory", "io", "cpu_temp", "uptime", "note"))
    on = dict(cpu=10.0, memory=50.0, io=1.5, cpu_temp=50.0, uptime=60)
    return {"domain_name": name, "power": power, "inlet": 22.0, "watts": 100, "health": "ok", **off,
            **(on if power == "on" else {}), **values}


def top(*options, **settings):
    screen = Screen(["vbmc", "top", *options], environment={"VBMC_SOCKET": SOCKET}, **settings)
    screen.sees("NAME")
    return screen


def names(screen):
    return [line.split()[0] for line in screen.lines()[3:-1] if line]


def left(screen, status):
    """The terminal is as it was, and the program has ended like that."""
    ended = screen.end()
    assert ended == status, f"ended with {ended}, not {status}"
    assert ALTERNATE_SCREEN not in screen.modes, "the screen was not given back"
    assert 25 in screen.modes, "the cursor is hidden"


def test_keys():
    answer([bmc("a", cpu=5, cpu_temp=80, watts=90), bmc("b", cpu=70.5, watts=300, health="warning"),
            bmc("c", power="off", watts=9, health="critical")])
    screen = top("--interval", "0.2")
    screen.sees("3 BMCs: 2 on, 1 off   399 W   1 critical, 1 warning")
    assert ALTERNATE_SCREEN in screen.modes and screen.is_raw()
    line = re.compile(r"^b +on +70\.5 +50\.0 +1\.5 +22\.0 +50\.0 +300 warning +0:01:00$", re.M)
    screen.wait(line.search, line.pattern)
    for key, order in ("w", "bac"), ("t", "abc"), ("c", "bac"), ("r", "abc"), ("h", "cba"), ("n", "abc"):
        screen.type(key)
        screen.wait(lambda _: names(screen) == list(order), f"{order} after {key}")
    answer([bmc("a"), bmc("b", power="off", watts=1)])
    screen.sees("2 BMCs: 1 on, 1 off   101 W")
    screen.type("q")
    left(screen, 0)


def test_hostile_names():
    answer([bmc("a\x1b[2J\x1b]0;x\x07", note="\x9b1;1H\r\n"), bmc("\u6f22\u00e9")])
    screen = top()  # the emulator refuses control characters
    screen.sees("a?[2J?]0;x?")
    screen.sees("\u6f22\u00e9")
    screen.type("q")
    left(screen, 0)


def test_size():
    answer([bmc(f"guest-{number:03}") for number in range(100)])
    screen = top(rows=20, columns=80)
    screen.sees("1-16 of 100")
    screen.type("\x1bOB")  # down
    screen.sees("2-17 of 100")
    screen.type("\x1b[6~")  # page down
    screen.sees("18-33 of 100")
    screen.type("G")
    screen.sees("85-100 of 100")
    screen.type("g")
    screen.sees("1-16 of 100")
    screen.resize(12, 30)
    screen.wait(lambda text: names(screen) == [f"guest-{n:03}" for n in range(8)], "8 rows of 30 columns")
    for rows, columns in (2, 3), (1, 1), (3, 200):
        screen.resize(rows, columns)
        screen.wait(lambda text: "NAME" in text or screen.rows < 3 and text.startswith("v"))
    screen.resize(50, 120)
    screen.sees("1-46 of 100")
    screen.type("q")
    left(screen, 0)


def test_daemon_comes_and_goes(daemon):
    answer([bmc("a")])
    screen = top("-d", "0.2")
    daemon.stop()
    screen.sees("trying again")
    screen.sees("NAME")
    daemon.start()
    screen.misses("trying again")
    answer("hang")
    screen.sees("vbmcd has not answered for", 60)
    screen.type("q")  # works all the same
    left(screen, 0)
    answer([bmc("a")])


def test_signals():
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV:
        screen = top()
        screen.child.kill(number)
        left(screen, -number)
    screen = top()
    screen.type("\x03")
    left(screen, -signal.SIGINT)


def test_stop_and_go_on():
    """As a shell does with a job."""
    screen = top()
    screen.type("\x1a")
    end = time.monotonic() + 30 * PATIENCE
    while state_of(screen.child.pid) != "T":
        assert time.monotonic() < end, "it does not stop"
        screen.read(0.1)
    screen.read(0.1)
    assert ALTERNATE_SCREEN not in screen.modes
    screen.child.kill(signal.SIGCONT)
    screen.wait(lambda _: ALTERNATE_SCREEN in screen.modes, "the screen again")
    screen.type("q")
    left(screen, 0)


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def test_no_screen():
    """A terminal that is none, or that nobody knows, is shown the table once."""
    for name in "dumb", "nosuch", "":
        screen = Screen(["vbmc", "top"], columns=160,
                        environment={"VBMC_SOCKET": SOCKET, "TERM": name})
        screen.sees("Domain name")
        assert screen.end() == 0
        assert not screen.modes
    screen = Screen(["vbmc", "top", "-f", "table"], columns=160,
                    environment={"VBMC_SOCKET": SOCKET})
    screen.sees("Domain name")
    assert screen.end() == 0


def test_colours():
    answer([bmc("a", health="critical")])
    for setting, coloured in ("", True), ("1", False):
        screen = Screen(["vbmc", "top"], environment={"VBMC_SOCKET": SOCKET, "NO_COLOR": setting})
        feed, written = screen.feed, []
        screen.feed = lambda text: (written.append(text), feed(text))
        screen.sees("critical")
        screen.type("q")
        left(screen, 0)
        assert ("\x1b[31m" in "".join(written)) == coloured, written


def main():
    daemon = Daemon()
    daemon.start()
    try:
        test_keys()
        test_hostile_names()
        test_size()
        test_daemon_comes_and_goes(daemon)
        test_signals()
        test_stop_and_go_on()
        test_no_screen()
        test_colours()
    finally:
        daemon.stop()


main()
