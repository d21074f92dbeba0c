"""Runs rows of clients.list, and prints what is wrong with what the clients print.

Usage: clients.py readings PORT        those of section 'readings', for the BMC at that port of the loopback
       clients.py commands FILE        its lines: SECTION HOST PORT WAY HPI_PORT, the streams to run: a section's
                                       rows one after the other, the streams beside each other
       clients.py missing <FILE        its lines: WHAT<TAB>PATTERN..., prints those of which no line of the list has
                                       one of the patterns
WAY is how ipmitool, ipmiutil and openipmicmd log in: '-' is RMCP+, MD5 is IPMI 1.5. HPI_PORT is that of openhpid.
What the clients print stays in lines/ and streams/; how long each row of commands took is in the file rows. This
is one program because starting one costs more than all that there is to do for a row beside the client itself.
"""
import concurrent.futures
import dataclasses
import difflib
import functools
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time
import traceback

import clients_checks
from python_clients import PythonClients

HERE = pathlib.Path(__file__).parent
PASSWORD = "secret"
LOGIN = ["-U", "admin", "-P", PASSWORD]
SUITE = "17"


# ---- the list ----

@dataclasses.dataclass
class Row:
    """A command with what stands before it ('*', '!', '?' or ''), and its rules: pairs of kind and text."""

    mark: str
    command: str
    rules: list

    def texts(self, kind):
        return [text for rule, text in self.rules if rule == kind]


def read_list():
    """The rows of each section, and the patterns of lines that are right for all rows."""
    sections, right, rows = {}, [], None
    for line in (HERE / "clients.list").read_text().splitlines():
        if not line or line.startswith("#") or (line.startswith("- ") and " -- " in line):
            continue
        first, _, rest = line.partition(" ")
        if first == "@@":
            rows = sections.setdefault(rest, [])
        elif first == "~":
            right.append(rest)
        elif line.startswith("  "):
            kind, text = line.split(maxsplit=1)
            if kind not in ("=", "~", "@", "<", ">"):
                raise ValueError(f"clients.list: {line}")
            rows[-1].rules.append((kind, text.strip()))
        elif first in ("*", "!", "?"):
            rows.append(Row(first, rest, []))
        else:
            rows.append(Row("", line, []))
    return sections, right


@functools.cache
def ere(pattern):
    """An extended regular expression, as grep reads it in a UTF-8 locale, compiled for one line.

    Refuses what Python reads in another way. As for grep, no '.' is a byte that is no UTF-8, see lines_of().
    """
    parts, before = [], "("
    for part in re.findall(r"\\.|\[\^?\]?[^]]*\]|.", pattern):
        if (re.fullmatch(r"\\[^\W_]", part) and part[1] not in "bs") or re.match(r"\[.*(\\|\[[.:=])", part) \
                or (part in tuple("*+?{") and before in tuple("*+?{}(|^")):
            raise ValueError(f"not the same for grep and Python: {pattern}")
        before = part
        if part == ".":
            part = "[^\udc80-\udcff]"
        elif part.startswith("[^"):
            part = part[:-1] + "\udc80-\udcff]"
        parts.append(part)
    return re.compile("".join(parts))


# ---- what is wrong with an output ----

# What a line of small letters is not to have, unless it is right.
BAD = re.compile(
    r"error|unknown|unspecified|invalid|time(d)? ?out|unable|unrecogni[sz]ed|unavailable|not available|fail|cannot"
    r"|could ?n.t|no reading|missing|disabled|out of range|traceback|corrupt|\bn/?a\b")
# With -v, ipmitool says on any server that has nothing of PICMG and VITA:
NOISE = (r"^(Loading IANA PEN Registry\.\.\.|Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20"
         r"|Invalid completion code received: Invalid command|Discovered IPMB address 0x0)$")
NO_PICMG = "^Error response 0xc1 from Get PICMG Properties$"


def lines_of(data):
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    return lines if lines[-1] else lines[:-1]


def has(lines, pattern):
    search = ere(pattern).search
    return any(map(search, lines))


def without(lines, patterns):
    searches = [ere(pattern).search for pattern in patterns]
    return [line for line in lines if not any(search(line) for search in searches)]


def bad_lines(lines):
    if not BAD.search("\n".join(lines).lower()):
        return []
    return [line for line in lines if BAD.search(line.lower())]


def not_shown(lines, patterns):
    return [f"no line has '{pattern}'" for pattern in patterns if not has(lines, pattern)]


def wrong_errors(command, lines, right):
    """Of standard error: nothing is to be there; ipmitool's -v is for it."""
    if command.startswith("ipmitool -v "):
        return without(lines, [NOISE])
    if command.startswith("ipmitool -vv "):
        return bad_lines(without(lines, [*right, NOISE, NO_PICMG]))
    return without(lines, right)


@dataclasses.dataclass
class Output:
    """What a command left."""

    status: int
    out: bytes
    errors: bytes

    def judge(self, command, rules, right):
        """What is wrong, a line each; right are the patterns for all rows."""
        wrong = [f"exit status {self.status}"] if self.status else []
        right = ["^$", *right]
        lines = lines_of(self.out)
        for kind, text in rules:
            if kind == "=":
                wrong += not_shown(lines, [text])
            elif kind == "~":
                right.append(text)
            elif kind == "@":
                wrong += getattr(clients_checks, text)(lines)
        wrong += without(bad_lines(lines), right)
        return wrong + wrong_errors(command, lines_of(self.errors), right)


# ---- running a command ----

@dataclasses.dataclass
class Bmc:
    """The BMC that is asked, and how."""

    pythons: PythonClients
    host: str
    port: str
    way: str = "-"
    hpi_port: str = ""
    suite: str = SUITE

    def __str__(self):
        return f"suite {self.suite}" if self.way == "-" else self.way

    def program(self, client, words):
        """The program and its arguments; those of Python are scripts."""
        place = ["-H", self.host, "-p", self.port]
        rmcpp = self.way == "-"
        match client:
            case "ipmitool":
                interface = ["lanplus", "-C", self.suite] if rmcpp else ["lan", "-A", self.way]
                return [client, "-I", *interface, *place, *LOGIN, *words]
            case "ipmiutil":
                return [client, *words, "-N", self.host, *LOGIN, "-V", "4", "-F", "lan2" if rmcpp else "lan"]
            case "pyghmi" | "pyipmi":
                return [str(HERE / f"{client}_get.py"), self.host, self.port, PASSWORD, *words]
            case "ipmitool.py":
                return ["/usr/bin/ipmitool.py", "-I", "rmcp", *place, *LOGIN, *words]
            case "openipmicmd":
                return [client, "-k", " ".join(words), "lan", *LOGIN, "-p", self.port,
                        "-A", "rmcp+" if rmcpp else "md5", self.host]
            case "openipmish":
                return [str(HERE / "openipmi.py"), self.host, self.port, PASSWORD, *words]
            case "idiscover" | "rmcp_ping" | "ipmiping" | "rmcpping":
                return [client, *words]
        if client.startswith(("hpi", "oh")):
            return [client, *words]
        quiet = ["--quiet-cache"] if client in ("ipmi-sensors", "ipmi-sel") else []
        return [client, "-D", "LAN_2_0", "-I", self.suite, "-l", "admin", "-h", f"{self.host}:{self.port}",
                "-u", "admin", "-p", PASSWORD, *quiet, *words]

    def last_record(self):
        """The number of the SEL's last one."""
        shown = subprocess.run(self.program("ipmitool", ["sel", "list", "last", "1"]), check=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout
        return str(int(shown.split()[0], 16))

    def run(self, command, stem):
        """A command of the list; what it prints stays in STEM.out and STEM.err."""
        if "LAST_RECORD" in command:
            command = command.replace("LAST_RECORD", self.last_record())
        client, *words = shlex.split(command)
        program = self.program(client, words)
        files = stem + ".out", stem + ".err"
        with open(files[0], "wb") as out, open(files[1], "wb") as errors:
            if program[0].endswith(".py"):
                status = self.pythons.run(program, *files)
            else:
                environment = {**os.environ, "OPENHPI_DAEMON_HOST": "localhost", "OPENHPI_DAEMON_PORT": self.hpi_port}
                status = subprocess.run(program, check=False, stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                                        env=environment).returncode
        status = status if status >= 0 else 128 - status
        return Output(status, *(pathlib.Path(file).read_bytes() for file in files))


def checked(check):
    """What a check has found wrong, and if it could not be done, why."""
    try:
        return check()
    except Exception:
        return ["the check itself failed", traceback.format_exc()]


# ---- the rows that read ----

def ways(row, port):
    """By which a row is to be tried at this port: pairs of cipher suite and way."""
    if port != "623":
        return [(SUITE, "-")] + ([("3", "-")] if row.mark == "*" else [])
    if row.command.startswith("ipmitool "):
        return [(SUITE, "MD5")]
    # The others write there in the rows of commands, and read what they have written.
    return [(SUITE, "-")] if os.environ.get("VBMC_SOAK") else []


def run_line(number, bmc, row, right):
    stem = f"lines/{bmc.port}.{number}"
    wrong = checked(lambda: bmc.run(row.command, stem).judge(row.command, row.rules, right))
    return [f"{stem} (port {bmc.port}, {bmc}): {row.command}", *wrong] if wrong else []


def readings(pythons, port):
    sections, right = read_list()
    os.makedirs("lines", exist_ok=True)
    tasks = [(Bmc(pythons, "127.0.0.1", port, way, suite=suite), row)
             for row in sections["readings"] for suite, way in ways(row, port)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for wrong in pool.map(lambda number, task: run_line(number, *task, right), range(1, len(tasks) + 1), tasks):
            for line in wrong:
                print(line)


# ---- the rows that write, and are read back and put back ----

def reads(bmc, command, stem):
    """By the command that is to show what is written: its output, and what is wrong."""
    output = bmc.run(command, stem)
    errors = output.errors.decode(errors="replace")
    return output.out, [f"{command}: exit status {output.status}: {errors}"] if output.status else []


def check_refused(bmc, row, stem):
    output = bmc.run(row.command, stem + ".run")
    wrong = [f"exit status {output.status}"] if output.status in (124, 134, 137, 139) else []
    return wrong + not_shown(lines_of(output.out + output.errors), row.texts("="))


def check_written(bmc, row, stem, right):
    """A row whose rules have a command that shows what it writes."""
    [command], shown = row.texts("<"), row.texts("=")
    rules = [rule for rule in row.rules if rule[0] != "="]
    before, wrong = reads(bmc, command, stem + ".before")
    wrong += bmc.run(row.command, stem + ".run").judge(row.command, rules, right)
    after, unread = reads(bmc, command, stem + ".after")
    wrong += unread + not_shown(lines_of(after), shown)
    if shown and not not_shown(lines_of(before), shown):
        wrong.append(f"{command}: was like that before")
    for back in row.texts(">"):
        wrong += bmc.run(back, stem + ".back").judge(back, rules, right)
        end, unread = reads(bmc, command, stem + ".end")
        wrong += unread
        if end != before:
            wrong += difflib.unified_diff(lines_of(before), lines_of(end), "before", "end", lineterm="")
    return wrong


def check_row(bmc, row, stem, right):
    """What is wrong with it, a line each."""
    if row.mark == "?":
        return check_refused(bmc, row, stem)
    if row.texts("<"):
        return check_written(bmc, row, stem, right)
    return bmc.run(row.command, stem + ".run").judge(row.command, row.rules, right)


def run_stream(section, bmc, rows, right):
    """What is wrong with its rows, and how long each took."""
    wrong, times = [], []
    for row in rows:
        begun = time.monotonic()
        found = checked(lambda: check_row(bmc, row, f"streams/{section}.{bmc.host}.{bmc.port}", right))
        mark = row.mark and row.mark + " "
        times.append(f"{(time.monotonic() - begun) * 1000:.0f} ms: {mark}{row.command}")
        if found:
            wrong += [f"{bmc.host}:{bmc.port} {bmc}: {mark}{row.command}", *found]
    return wrong, times


def commands(pythons, file):
    sections, right = read_list()
    streams = [line.split() for line in pathlib.Path(file).read_text().splitlines()]
    os.makedirs("streams", exist_ok=True)
    with open("rows", "w") as rows, concurrent.futures.ThreadPoolExecutor(5) as pool:
        tasks = [pool.submit(run_stream, section, Bmc(pythons, *bmc), sections[section], right)
                 for section, *bmc in streams]
        for task in concurrent.futures.as_completed(tasks):
            wrong, times = task.result()
            for line in times:
                print(line, file=rows)
            for line in wrong:
                print(line)


# ---- is there a row for everything? ----

def missing():
    lines = (HERE / "clients.list").read_text().splitlines()
    for request in sys.stdin.read().splitlines():
        what, *patterns = request.split("\t")
        if not any(has(lines, pattern) for pattern in patterns):
            print("not in the list:", what)


def main():
    sys.stdout.reconfigure(errors="surrogateescape")
    if sys.argv[1] == "missing":
        missing()
        return
    with PythonClients() as pythons:
        {"readings": readings, "commands": commands}[sys.argv[1]](pythons, sys.argv[2])


if __name__ == "__main__":
    main()
