"""What a BMC and the daemon store, operation by operation of vbmc/service/table.c, on a disk that takes
it or refuses it.  Each is changed to its value of the round; where the disk refuses, the answer is an
error and the value is still that of the round before.

full_disk.py table                          each operation of the table has a row here, or needs none
full_disk.py round PORT N [refused KIND]    KIND: "full", "read-only"
full_disk.py has PORT N                     all values are those of round N
full_disk.py records LOG FROM KIND          all that was refused is in the log behind its byte FROM
full_disk.py trail SINCE                    the trail has all that was done since then, and was refused
full_disk.py parts LOG                      something of each part that is stored was refused
full_disk.py reads PORT N                   what only reads"""
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time

from ipmi_client import Refused, Session
from sel_writers import ask

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
OUT_OF_SPACE, UNSPECIFIED = 0xC4, 0xFF
CODES = {"full": (OUT_OF_SPACE,), "read-only": (UNSPECIFIED,)}
WORDS = {"full": "No space left on device", "read-only": "Read-only file system"}
PENDING = 0xFF  # of an Alert Immediate


def key_of(n):
    """The BMC key of round N, which the log-in needs from then on."""
    return b"key of the round %03d" % n if n > 0 else None


def look(verb, **arguments):
    """What `vbmc` would show, without a process for it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("/run/vbmc/control.sock")
        connection.sendall(json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n")
        with connection.makefile("rb") as stream:
            answer = json.loads(stream.readline())
    assert answer["ok"], (verb, arguments, answer)
    return answer["result"]


def list_log():
    return {row["id"]: bytes.fromhex(row["raw"]) for row in look("sel", name="g1")}


class World:
    def __init__(self, port, n, refused=None):
        self.port, self.refused = port, refused
        self.session = Session(port=port, attempts=3, timeout=20, kg=key_of(n))
        self.session.set_privilege()

    def vbmc(self, *arguments):
        """0 or 1, and the output."""
        done = subprocess.run(("vbmc",) + arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=120)
        if done.returncode != 0 and self.refused:
            assert WORDS[self.refused] in done.stdout, (arguments, done.stdout)
        assert done.returncode in (0, 1), (arguments, done.returncode, done.stdout)
        return done.returncode, done.stdout

    def request(self, netfn, command, data):
        """0, or 1 if the disk refuses; any other code is wrong."""
        code, _ = self.session.request(netfn, command, data)
        assert code == 0 or self.refused and code in CODES[self.refused], \
            "%02x.%02x %s: %02x" % (netfn, command, data.hex(), code)
        return code != 0


class Row:
    """change(world, n): 0, or 1 if it is refused.  has(world, n): whether it is there; None: what it
    does shows in other rows, or it looks itself."""

    def __init__(self, operation, name, change, has=None):
        self.operation, self.name, self.change, self.has = operation, name, change, has


def ipmi(operation, name, netfn, command, data, get, shows):
    """A request whose data is data(n); `get` reads (netfn, command, data) what shows(answer) makes the
    same as shows of round n is: shows(answer, n)."""
    return Row(operation, name, lambda world, n: world.request(netfn, command, data(n)),
               lambda world, n: shows(ask(world.session, *get), n))


def padded(text, size):
    return text + bytes(size - len(text))


def parameter(operation, name, set_command, get_command, number, value, selector=b""):
    """A configuration parameter of channel 1, or of none (PEF, boot options): the revision comes first
    in the answer."""
    netfn, command, channel = set_command
    get_netfn, get_number, get_channel = get_command
    sets = (selector[:1] or b"\0") + (selector[1:2] or b"\0")
    return ipmi(operation, "%s %d" % (name, number), netfn, command,
                lambda n: channel + bytes([number]) + selector + value(n),
                (get_netfn, get_number, get_channel + bytes([number]) + sets),
                lambda answer, n: answer[-len(value(n)):] == value(n))


def lan(number, value, selector=b""):
    return parameter("LAN_PARAMETER", "LAN parameter", (0x0C, 0x01, b"\1"), (0x0C, 0x02, b"\1"), number,
                     value, selector)


def sol(number, value):
    return parameter("SOL_PARAMETER", "SOL parameter", (0x0C, 0x21, b"\1"), (0x0C, 0x22, b"\1"), number,
                     value)


def pef(number, value, selector=b""):
    return parameter("PEF_PARAMETER", "PEF parameter", (0x04, 0x12, b""), (0x04, 0x13, b""), number,
                     value, selector)


def boot(number, value, selector=b""):
    return parameter("BOOT_PARAMETER", "boot parameter", (0x00, 0x08, b""), (0x00, 0x09, b""), number,
                     value, selector)


def system_info(number):
    def text(n):
        return b"text %d" % n
    return ipmi("SYSTEM_INFO", "system information %d" % number, 0x06, 0x58,
                lambda n: bytes([number, 0, 0, len(text(n))]) + text(n),
                (0x06, 0x59, bytes([0, number, 0, 0])),
                lambda answer, n: answer[4:4 + len(text(n))] == text(n))


def dcmi(operation, name, command, data, get, shows):
    return ipmi(operation, name, 0x2C, command, lambda n: b"\xdc" + data(n), (0x2C, get[0], b"\xdc" + get[1]),
                shows)


def dcmi_text(operation, name, command, get):
    def text(n):
        return b"%s %d" % (name.encode(), n)
    return dcmi(operation, name, command, lambda n: bytes([0, len(text(n))]) + text(n), (get, b"\0\x10"),
                lambda answer, n: answer[2:] == text(n)[:16])


def power_limit(world):
    """(whether it is active, watts)"""
    code, answer = world.session.request(0x2C, 0x03, b"\xdc\0\0")
    assert code in (0x00, 0x80), code
    return code == 0, struct.unpack("<H", answer[4:6])[0]


def verb(operation, *arguments, shows):
    """`vbmc` with {} for the round."""
    return Row(operation, "vbmc " + " ".join(arguments),
               lambda world, n: world.vbmc(*(word.format(n) for word in arguments))[0], shows)


def there_and_back(operation, name, there, back, shows):
    """A verb whose opposite is called when it was done: what `shows` is so before and behind it."""
    def go(world, _):
        code, _ = world.vbmc(*there)
        if code == 0:
            assert not shows(world, 0), there
            assert world.vbmc(*back)[0] == 0, back
        return code
    return Row(operation, name, go, shows)


def is_listed(name, status):
    def shows(*_):
        found = [row["status"] for row in look("list") if row["domain_name"] == name]
        return (found or [None])[0] == status
    return shows


def user_row(name, data, get, shows, command):
    return ipmi("USER_CHANGE", name, 0x06, command, data, get, shows)


# ---- what needs more than one request ----

def commit_lan(world, n):
    """Set in progress, a change, commit, complete: it is the commit that stores."""
    for data in (b"\1\0\1", b"\1\x15" + bytes([n])):
        assert ask(world.session, 0x0C, 0x01, data) == b""
    code = world.request(0x0C, 0x01, b"\1\0\2")
    assert ask(world.session, 0x0C, 0x01, b"\1\0\0") == b""
    return code


def has_key(world, n):
    try:
        Session(port=world.port, attempts=3, timeout=20, kg=key_of(n)).close()
    except (Refused, AssertionError):
        return False
    return True


def has_added_user(world, n):
    names = [ask(world.session, 0x06, 0x46, bytes([5 + i])) for i in (n, n + 1)]
    return names == [padded(b"cli%d" % n, 16), bytes(16)]


def clear_log(world, _):
    return world.request(0x0A, 0x47, ask(world.session, 0x0A, 0x42) + b"CLR\xaa")


def delete_event(world, _):
    first = min(list_log())
    code = world.request(0x0A, 0x46, ask(world.session, 0x0A, 0x42) + struct.pack("<H", first))
    assert (first in list_log()) == (code != 0), first
    return code


def has_event(number, n):
    """The newest of a sensor that is nobody's has the round in its data."""
    log = list_log()
    found = [log[entry] for entry in sorted(log) if log[entry][2] == 2 and log[entry][11] == number]
    return bool(found) and found[-1][15] == n


def clock_of(n):
    return 1_700_000_000 + 10_000_000 * n


def has_clock(world, n):
    return abs(struct.unpack("<I", ask(world.session, 0x0A, 0x48))[0] - clock_of(n)) < 5_000_000


def last_byte_of_fru(world):
    return struct.unpack("<H", ask(world.session, 0x0A, 0x10, b"\0")[:2])[0] - 1


def write_fru(world, n):
    return world.request(0x0A, 0x12, b"\0" + struct.pack("<H", last_byte_of_fru(world)) + bytes([n]))


def has_fru(world, n):
    data = ask(world.session, 0x0A, 0x11, b"\0" + struct.pack("<H", last_byte_of_fru(world)) + b"\1")
    return data == bytes([1, n])


def send_alert(world, _):
    """To a destination that never acknowledges it: it is under way for a second."""
    deadline = time.monotonic() + 60
    while ask(world.session, 0x04, 0x16, b"\1\x40\0")[0] == PENDING:
        assert time.monotonic() < deadline, "an alert does not end"
        time.sleep(0.1)
    for data in (b"\1\x12\3\x80\0\0", b"\1\x13\3\0\0\x7f\0\0\x09" + bytes(6)):
        if not world.refused:
            ask(world.session, 0x0C, 0x01, data)
    return world.request(0x04, 0x16, b"\1\3\0")


def prepare(world):
    """What the rows need to be there: a BMC that is stopped, one that is deleted."""
    for arguments in (("stop", "g3"), ("delete", "g5")):
        assert world.vbmc(*arguments)[0] == 0, arguments


def has_fault(_, n):
    return [fault["target"] for fault in look("inject", name="g1")] == ["fan/%d" % n]


def has_feed(_, n):
    return look("facility")["feeds"][0] == {"feed": "A", "state": "down" if n % 2 else "up"}


def has_dead(_, n):
    dead = [row["name"] for row in look("hypervisor") if row["state"] == "declared dead"]
    return sorted(dead) == ["east%d" % i for i in range(1, n + 1)]


def has_interval(_, n):
    """No command reads it."""
    stored = subprocess.check_output(["sqlite3", "-readonly", "state/state.db",
                                      "SELECT max(cycle_interval_s) FROM chassis"])
    return int(stored) == 100 + n


WHOLE_FILTER = b"\0\1\0\x10" + b"\xff" * 4 + bytes(12)

# What resets something comes before what sets it.
ROWS = [
    verb("LAN_RESET", "lan", "g1", "reset", shows=None),
    verb("USER_RESET", "user", "g1", "reset", shows=None),
    verb("CLEAR_FAULTS", "inject", "g1", "--clear", shows=None),
    Row("SENSOR_RESET", "Run Initialization Agent", lambda world, n: world.request(0x0A, 0x2C, b"\1")),
    Row("SEL_CLEAR", "Clear SEL", clear_log),
    Row("SEL_ADD", "Add SEL Entry",
        lambda world, n: world.request(0x0A, 0x44, struct.pack("<HBIHBBBBBBB", 0, 2, 0, 0x41, 4, 4, 0xE0,
                                                               0x6F, 0, 0, n)),
        lambda world, n: has_event(0xE0, n)),
    Row("PLATFORM_EVENT", "Platform Event",
        lambda world, n: world.request(0x04, 0x02, bytes([4, 4, 0xE1, 0x6F, 0, 0, n])),
        lambda world, n: has_event(0xE1, n)),
    Row("SEL_DELETE", "Delete SEL Entry", delete_event),
    Row("SEL_TIME", "Set SEL Time",
        lambda world, n: world.request(0x0A, 0x49, struct.pack("<I", clock_of(n))), has_clock),
    ipmi("SEL_UTC_OFFSET", "Set SEL Time UTC Offset", 0x0A, 0x5D, lambda n: struct.pack("<h", 60 * n),
         (0x0A, 0x5C), lambda answer, n: answer == struct.pack("<h", 60 * n)),
    ipmi("SEL_PROCESSED", "Set Last Processed Event ID", 0x04, 0x14, lambda n: struct.pack("<BH", 0, n),
         (0x04, 0x15), lambda answer, n: struct.unpack("<H", answer[6:8])[0] == n),
    ipmi("RESTORE_POLICY", "Set Power Restore Policy", 0x00, 0x06, lambda n: bytes([n % 3]), (0x00, 0x01),
         lambda answer, n: answer[0] >> 5 & 3 == n % 3),
    Row("CYCLE_INTERVAL", "Set Power Cycle Interval",
        lambda world, n: world.request(0x00, 0x0B, bytes([100 + n])), has_interval),
    boot(5, lambda n: bytes([0xC0, (1 + n % 2) << 2, 0, 0, 0])),
    verb("BOOT_FLAGS", "bootdev", "g2", "pxe", "--persistent", shows=None),
    boot(1, lambda n: bytes([n])),
    boot(2, lambda n: bytes([n])),
    boot(3, lambda n: bytes([n])),
    Row("BOOT_PARAMETER", "boot parameter 4", lambda world, n: world.request(0x00, 0x08, bytes([4, 31, n])),
        lambda world, n: ask(world.session, 0x00, 0x09, b"\4\0\0")[3] == n),
    boot(6, lambda n: bytes([1] + 8 * [n])),
    boot(7, lambda n: bytes(16 * [n]), b"\1"),
    system_info(1), system_info(2), system_info(3), system_info(6), system_info(7),
    ipmi("WATCHDOG_SET", "Set Watchdog Timer", 0x06, 0x24, lambda n: struct.pack("<BBBBH", 4, 0, 0, 0, 60000 + n),
         (0x06, 0x25), lambda answer, n: struct.unpack("<H", answer[4:6])[0] == 60000 + n),
    ipmi("WATCHDOG_RESET", "Reset Watchdog Timer", 0x06, 0x22, lambda n: b"", (0x06, 0x25),
         lambda answer, n: answer[0] & 0x40 != 0),
    ipmi("SENSOR_SETTINGS", "Set Sensor Thresholds", 0x04, 0x26,
         lambda n: bytes([1, 0x10, 0, 0, 0, 0, 0x24 + n, 0]), (0x04, 0x27, b"\1"),
         lambda answer, n: answer[5] == 0x24 + n),
    ipmi("SENSOR_SETTINGS", "Set Sensor Hysteresis", 0x04, 0x24, lambda n: bytes([2, 0xFF, n, n]),
         (0x04, 0x25, b"\2\xff"), lambda answer, n: answer == bytes([n, n])),
    ipmi("SENSOR_SETTINGS", "Set Sensor Event Enable", 0x04, 0x28, lambda n: bytes([3, 0xC0 - 0x80 * (n % 2)]),
         (0x04, 0x29, b"\3"), lambda answer, n: answer[0] & 0xC0 == 0xC0 - 0x80 * (n % 2)),
    pef(1, lambda n: bytes([n])),
    pef(2, lambda n: bytes([n])),
    pef(3, lambda n: bytes([60 + n])),
    pef(4, lambda n: bytes([70 + n])),
    pef(6, lambda n: WHOLE_FILTER[:1] + bytes([n]) + WHOLE_FILTER[2:-1] + b"\0", b"\5"),
    Row("PEF_PARAMETER", "PEF parameter 7",
        lambda world, n: world.request(0x04, 0x12, bytes([7, 6, 0x80 * (n % 2)])),
        lambda world, n: ask(world.session, 0x04, 0x13, b"\7\6\0")[2] & 0x80 == 0x80 * (n % 2)),
    pef(9, lambda n: bytes([n << 4, 0x11, 0]), b"\3"),
    pef(10, lambda n: bytes([1] + 16 * [n])),
    pef(12, lambda n: bytes([n, n]), b"\1"),
    pef(13, lambda n: padded(b"string %d" % n, 16), b"\1\1"),
    ipmi("PEF_POSTPONE", "Arm PEF Postpone Timer", 0x04, 0x11, lambda n: b"\xfe" if n % 2 else b"\0",
         (0x04, 0x11, b"\xff"), lambda answer, n: answer == (b"\xfe" if n % 2 else b"\0")),
    dcmi("POWER_LIMIT", "Set Power Limit", 0x04, lambda n: struct.pack("<3xBHI2xH", 0, 2000 + n, 1000, 1),
         (0x13, b"\3\0"), lambda answer, n: True),
    dcmi("THERMAL_LIMIT", "Set Thermal Limit", 0x0B, lambda n: struct.pack("<BBBBH", 0x37, 1, 0x80, 100 + n, 60),
         (0x0C, b"\x37\1"), lambda answer, n: answer[2] == 100 + n),
    Row("POWER_LIMIT_ACTIVE", "Activate/Deactivate Power Limit",
        lambda world, n: world.request(0x2C, 0x05, bytes([0xDC, n % 2, 0, 0])),
        lambda world, n: power_limit(world) == (n % 2 == 1, 2000 + n)),
    dcmi_text("ASSET_TAG", "asset tag", 0x08, 0x06),
    dcmi_text("IDENTIFIER", "identifier", 0x0A, 0x09),
    dcmi("DHCP", "Set DCMI Configuration Parameters", 0x12, lambda n: bytes([3, 0, n]), (0x13, b"\3\0"),
         lambda answer, n: answer[-1] == n),
    verb("ASSET_TAG", "fru", "g2", "--asset-tag", "rack {}",
         shows=lambda world, n: "rack %d" % n in json.dumps(look("fru", name="g2"))),
    Row("FRU_WRITE", "Write FRU Data", write_fru, has_fru),
    user_row("Set User Name", lambda n: b"\5" + padded(b"user %d" % n, 16), (0x06, 0x46, b"\5"),
             lambda answer, n: answer == padded(b"user %d" % n, 16), 0x45),
    Row("USER_CHANGE", "Set User Password",
        lambda world, n: world.request(0x06, 0x47, b"\5\2" + padded(b"password %d" % n, 16)),
        lambda world, n: world.session.request(0x06, 0x47, b"\5\3" + padded(b"password %d" % n, 16))[0] == 0),
    user_row("Set User Access", lambda n: bytes([0x91, 5, n + 1]), (0x06, 0x44, b"\1\5"),
             lambda answer, n: answer[3] & 15 == n + 1, 0x43),
    user_row("enable a user", lambda n: bytes([5, n % 2]), (0x06, 0x44, b"\1\5"),
             lambda answer, n: answer[1] & 0xC0 == (0x40 if n % 2 else 0x80), 0x47),
    Row("USER_CHANGE", "vbmc user add",
        lambda world, n: world.vbmc("user", "g1", "add", "cli%d" % n, "--password", "swordfish", "--id",
                                    str(5 + n))[0], has_added_user),
    ipmi("SOL_ACCESS", "Set User Payload Access", 0x06, 0x4C,
         lambda n: bytes([1, 5 | 0x40 * (n % 2), 2, 0, 0, 0]), (0x06, 0x4D, b"\1\5"),
         lambda answer, n: answer[0] & 2 == 2 * (1 - n % 2)),
    sol(2, lambda n: bytes([0xC0 | 1 + n])),
    sol(3, lambda n: bytes([10 + n, 0x60])),
    sol(4, lambda n: bytes([n, 50])),
    sol(5, lambda n: bytes([6 + n])),
    ipmi("CHANNEL_ACCESS", "Set Channel Access", 0x06, 0x40, lambda n: bytes([1, 0x42 | 0x08 * (n % 2), 0x44]),
         (0x06, 0x41, b"\1\x40"), lambda answer, n: answer[0] & 0x08 == 0x08 * (n % 2)),
    Row("CHANNEL_KEY", "Set Channel Security Keys",
        lambda world, n: world.request(0x06, 0x56, b"\1\1\1" + key_of(n)), has_key),
    lan(7, lambda n: bytes([0x40 + n, 0x40, 0x10])),
    lan(10, lambda n: bytes([n])),
    lan(11, lambda n: bytes([10 + n])),
    lan(16, lambda n: padded(b"community %d" % n, 18)),
    lan(18, lambda n: bytes([0, n, 1]), b"\2"),
    lan(19, lambda n: bytes([0, 0, 127, 0, 0, n]) + bytes(6), b"\2"),
    lan(24, lambda n: bytes([0, 0x40 | n] + 7 * [0x44])),
    lan(25, lambda n: bytes([0x10, n, 0]), b"\2"),
    lan(26, lambda n: struct.pack("<BBHH", 0, 0, n, n)),
    Row("LAN_PARAMETER", "LAN parameter 21, committed", commit_lan,
        lambda world, n: ask(world.session, 0x0C, 0x02, b"\1\x15\0\0")[-1] == n),
    Row("ALERT", "Alert Immediate", send_alert),
    verb("INJECT", "inject", "g1", "fan/{}", "failed", shows=has_fault),
    Row("FACILITY", "vbmc facility feed A",
        lambda world, n: world.vbmc("facility", "feed", "A", "down" if n % 2 else "up")[0], has_feed),
    verb("SEL_CLEAR", "sel", "g2", "--clear", shows=None),
    there_and_back("STOP", "vbmc stop", ("stop", "g2"), ("start", "g2"), is_listed("g2", "running")),
    there_and_back("START", "vbmc start", ("start", "g3"), ("stop", "g3"), is_listed("g3", "down")),
    there_and_back("DELETE", "vbmc delete", ("delete", "g4"), ("add", "g4"), is_listed("g4", "running")),
    there_and_back("ADD", "vbmc add", ("add", "g5"), ("delete", "g5"), is_listed("g5", None)),
    verb("DECLARE_DEAD", "hypervisor", "east{}", "declare-dead", shows=has_dead),
    # Of one step only if the guest is on; of several steps none begins that the disk does not know of.
    Row("POWER", "vbmc power cycle", lambda world, n: world.vbmc("power", "g2", "cycle")[0],
        lambda world, n: look("power", name="g2", action="status")["power"] == "on"),
]

# Operations of which nothing is stored but their record; the others that are in the trail have a row.
UNSTORED = {
    "DUMP": "a file of its own",
    "IDENTIFY": "a light, gone with the daemon",
    "FRONT_PANEL": "of the BMC's memory",
    "RESTART": "ends what is in the BMC's memory",
    "GLOBAL_ENABLES": "of the BMC's memory",
    "CHANNEL_RECEIVE": "of the BMC's memory",
    "EVENT_RECEIVER": "of the BMC's memory",
    "ACPI_STATE": "of the BMC's memory",
    "SENSOR_REARM": "of the BMC's memory",
    "SENSOR_OVERRIDE": "of the BMC's memory",
    "ALERT_FORGET": "of the BMC's memory",
    "SESSION_CLOSE": "sessions are in memory",
    "TAG": "stored by libvirt",
    "ADD_SERIAL": "stored by libvirt",
    "INBAND": "stored by libvirt",
    "DEFINE": "stored by libvirt",
    "UNDEFINE": "stored by libvirt",
    "RELOAD": "what it reads is stored",
}


def read_table():
    """{operation: (name, flags)} of all that is in the trail."""
    with open(TOP + "/vbmc/service/table.c") as file:
        rows = re.findall(r"\[SERVICE_(\w+)\] = \{\"([^\"]+)\", \w+, ([^,]+),", file.read())
    table = {operation: (name, set(flags.split(" | "))) for operation, name, flags in rows}
    assert len(table) > 60, table
    return {operation: row for operation, row in table.items() if row[1] & {"AUDITED", "SUMMED", "LOOKS"}}


def check_table():
    table = read_table()
    changes = {operation for operation, (_, flags) in table.items() if "LOOKS" not in flags}
    tried = {row.operation for row in ROWS}
    assert tried <= changes, "not in the table: %s" % (tried - changes)
    assert set(UNSTORED) <= changes, "not in the table: %s" % (set(UNSTORED) - changes)
    assert not tried & set(UNSTORED), tried & set(UNSTORED)
    missing = changes - tried - set(UNSTORED)
    assert not missing, "what of these is stored has no row: %s" % missing


def change(world, row, n):
    code = row.change(world, n)
    print("%s: %s" % (row.name, "refused" if code else "done"))
    assert (code != 0) == bool(world.refused), "wrong"
    assert not row.has or row.has(world, n - 1 if code else n), "its value is another"


def check_value(world, row, n):
    assert not row.has or row.has(world, n), "not that of round %d" % n


def try_each(function, world, n):
    """All of them, whatever the others do."""
    wrong = []
    for row in ROWS:
        try:
            function(world, row, n)
        except AssertionError as error:
            wrong.append("%s: %s" % (row.name, error))
    assert not wrong, "\n".join(wrong)


def check_values(world, n):
    try_each(check_value, world, n)


def drive(world, n):
    try_each(change, world, n)
    check_values(world, n - 1 if world.refused else n)


def names_of_changes():
    table = read_table()
    return {table[row.operation][0] for row in ROWS}


def logged_records(path, start):
    with open(path, "rb") as file:
        file.seek(start)
        lines = file.read().decode().split("\n")
    return [json.loads(line[line.index(" audit {") + 7:]) for line in lines if " audit {" in line]


def check_records(path, start, kind):
    """What the disk has not taken the log has: that a change was refused, or one that is not stored."""
    records = logged_records(path, start)
    refused = {record["operation"] for record in records if record["result"] < 0}
    assert names_of_changes() <= refused, "no record of %s" % (names_of_changes() - refused)
    done = [record["outcome"] for record in records if record["operation"] == "identify"]
    assert done[-1] == "done (not stored: %s)" % WORDS[kind], done


def check_trail(since):
    """The same of the trail: of what was done, and of what was refused while it could not be kept."""
    deadline = time.monotonic() + 60
    while True:
        rows = [row for row in look("audit", last=5000) if row.get("until", row["time"]) >= since]
        done = {row["operation"] for row in rows if row["result"] == 0}
        refused = {row["operation"] for row in rows if row["result"] < 0}
        missing = (names_of_changes() | {"identify"}) - done | names_of_changes() - refused
        if not missing:
            break
        assert time.monotonic() < deadline, "not in the trail: %s" % missing
        time.sleep(0.2)


def check_parts(path):
    """Each part that vbmc/state/ stores was refused; of placement nobody asks for a change."""
    names = set()
    for file in os.listdir(TOP + "/vbmc/state"):
        with open(TOP + "/vbmc/state/" + file) as text:
            names |= set(re.findall(r"(?:save_kind \w+ = {\s*(?:\.name = )?\"([^\"]+)\"|\] = {\"([^\"]+)\", copy,)",
                                    text.read()))
    names = {one or other for one, other in names}
    assert len(names) > 14, names
    with open(path) as log:
        refused = set(re.findall(r": ([^:]+) not stored, ", log.read()))
    missing = names - refused - {"placement"}
    assert not missing, "never refused: %s" % missing


def check_reads(world, n):
    check_values(world, n)
    for arguments in (("list",), ("show", "g1"), ("sensors", "g1"), ("sel", "g1"), ("fru", "g1"), ("lan", "g1"),
                      ("user", "g1"), ("who",), ("status",), ("audit",), ("facility",), ("discover",),
                      ("inject", "g1", "--list"), ("power", "g1")):
        assert world.vbmc(*arguments)[0] == 0, arguments
    # What is in memory alone is done, and its record is where there is room for it.
    assert world.session.request(0x00, 0x04, b"\1") == (0, b"")


def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "table":
        check_table()
    elif what == "round":
        n, refused = int(arguments[1]), (arguments[3:] or [None])[0]
        world = World(int(arguments[0]), n - 1, refused)
        if n == 1:
            prepare(world)
        drive(world, n)
    elif what == "has":
        check_values(World(int(arguments[0]), int(arguments[1])), int(arguments[1]))
    elif what == "reads":
        check_reads(World(int(arguments[0]), int(arguments[1])), int(arguments[1]))
    elif what == "records":
        check_records(arguments[0], int(arguments[1]), arguments[2])
    elif what == "trail":
        check_trail(arguments[0])
    elif what == "parts":
        check_parts(arguments[0])
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
