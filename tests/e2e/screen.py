"""A program on a terminal of its own (pexpect), with what a person would see there: just enough of an
xterm for what ncurses sends."""
import os
import re
import termios
import time
import unicodedata

import pexpect

PATIENCE = float(os.environ.get("VBMC_PATIENCE", "1"))
SEQUENCE = re.compile(r"\x1b(?:\[([?>!]?)([0-9;]*)([@-~])|[()].|[=>78Mc])")


class Screen:
    def __init__(self, command, rows=24, columns=100, environment=None):
        self.child = pexpect.spawn(command[0], command[1:], dimensions=(rows, columns), timeout=60,
                                   encoding="utf-8", codec_errors="strict",
                                   env={**os.environ, "TERM": "xterm", **(environment or {})})
        self.child.delaybeforesend = None
        self.pending = ""
        self.modes = set()  # of those that are switched by h and l
        self.resize(rows, columns, tell=False)

    def resize(self, rows, columns, tell=True):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.is_settled = not tell  # the program still writes for the old size
        if tell:
            self.child.setwinsize(rows, columns)

    # ---- what the program writes ----

    def put(self, character):
        width = 0 if unicodedata.combining(character) else \
            2 if unicodedata.east_asian_width(character) in "WF" else 1
        assert unicodedata.category(character) != "Cc", f"the program wrote {character!r}"
        if width == 0 or not self.is_settled:
            return
        assert self.column + width <= self.columns, f"{character!r} is beyond the right margin"
        self.cells[self.row][self.column] = character
        if width == 2:
            self.cells[self.row][self.column + 1] = ""
        self.column += width

    def obey(self, private, numbers, final):
        self.is_settled |= final == "J"
        if not self.is_settled and not private:
            return
        values = [int(number or 0) for number in numbers.split(";")]
        first = values[0] or 1
        if private or final in "mrtlh":
            if final in "hl":
                change = self.modes.add if final == "h" else self.modes.discard
                for value in values:
                    change(value)
        elif final == "H":
            self.row, self.column = first - 1, (values[1] or 1) - 1 if len(values) > 1 else 0
        elif final in "ABCDGd":
            self.row += {"A": -first, "B": first}.get(final, 0)
            self.column += {"C": first, "D": -first}.get(final, 0)
            self.column = first - 1 if final == "G" else self.column
            self.row = first - 1 if final == "d" else self.row
        elif final in "JK":
            self.erase(final, values[0])
        elif final in "XP@":
            line = self.cells[self.row]
            if final == "X":
                line[self.column:self.column + first] = [" "] * len(
                    line[self.column:self.column + first])
            elif final == "P":
                self.cells[self.row] = (line[:self.column] + line[self.column + first:] +
                                        [" "] * first)[:self.columns]
            else:
                self.cells[self.row] = (line[:self.column] + [" "] * first +
                                        line[self.column:])[:self.columns]
        elif final == "b":
            for _ in range(first):
                self.put(self.cells[self.row][self.column - 1])
        else:
            raise AssertionError(f"what is CSI {numbers}{final}?")

    def erase(self, final, which):
        line = self.cells[self.row]
        begin, end = {0: (self.column, self.columns), 1: (0, self.column + 1),
                      2: (0, self.columns)}[which]
        line[begin:end] = [" "] * (end - begin)
        if final == "J":
            below = range(self.row + 1, self.rows) if which == 0 else range(self.rows)
            for row in below:
                self.cells[row] = [" "] * self.columns

    def feed(self, text):
        text = self.pending + text
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                match = SEQUENCE.match(text, at)
                if not match:
                    assert len(text) - at < 32, f"what is {text[at:at + 32]!r}?"
                    break
                if match[3]:
                    self.obey(match[1], match[2], match[3])
                at = match.end()
                continue
            if text[at] in "\r\n\b\x07\x0e\x0f":
                self.row += text[at] == "\n" and self.row + 1 < self.rows
                self.column = {"\r": 0, "\b": self.column - 1}.get(text[at], self.column)
            else:
                self.put(text[at])
            at += 1
        self.pending = text[at:]

    def read(self, seconds):
        """What comes within so much time; False at the end of the program."""
        try:
            self.feed(self.child.read_nonblocking(65536, seconds))
        except pexpect.TIMEOUT:
            pass
        except pexpect.EOF:
            return False
        return True

    # ---- what a person sees and does ----

    def lines(self):
        return ["".join(line).rstrip() for line in self.cells]

    def text(self):
        return "\n".join(self.lines())

    def wait(self, condition, what="", seconds=60):
        """Until the condition holds for the screen's text; returns that."""
        end = time.monotonic() + seconds * PATIENCE
        while not condition(self.text()):
            assert time.monotonic() < end, f"waited for {what or condition}:\n{self.text()}"
            assert self.read(0.1), f"the program has ended:\n{self.text()}"
        return self.text()

    def sees(self, text, seconds=60):
        return self.wait(lambda shown: text in shown, repr(text), seconds)

    def misses(self, text, seconds=60):
        return self.wait(lambda shown: text not in shown, "no " + repr(text), seconds)

    def type(self, keys):
        self.child.send(keys)

    def end(self, seconds=60):
        """Waits for the program's end: its exit status, or minus its signal."""
        deadline = time.monotonic() + seconds * PATIENCE
        while self.read(0.1):
            assert time.monotonic() < deadline, f"the program does not end:\n{self.text()}"
        self.child.close(force=False)
        return self.child.exitstatus if self.child.signalstatus is None \
            else -self.child.signalstatus

    def is_raw(self):
        """Whether the terminal gives keys on at once and does not show them."""
        return not termios.tcgetattr(self.child.child_fd)[3] & (termios.ICANON | termios.ECHO)
