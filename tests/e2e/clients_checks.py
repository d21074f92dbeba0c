"""Checks of whole tables: each is given the lines of an output and yields what is wrong.

Which sensors have thresholds, and which ones, is in the file sdr-thresholds, of the SDRs as ipmitool shows them:
NAME|BITS, six of them, 1 for a threshold that can be read, in the order of ipmitool's table of sensors.
"""
import re


def _thresholds():
    with open("sdr-thresholds", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("|") for line in file)


def _wrong_thresholds(line, columns, bits, absent):
    """Of six columns, those that say 'absent' are to be those that have no 1 in bits."""
    bits = bits.ljust(6)
    for number, (column, bit) in enumerate(zip(columns, bits, strict=True), 1):
        if (column == absent) == (bit == "1"):
            yield f"threshold {number}: {line}"


def sensor_table(lines):
    """Of ipmitool sensor: readings of all, and thresholds exactly where there are some."""
    wanted, count = _thresholds(), 0
    for line in lines:
        columns = re.split(r" *\| *|,", line.rstrip(" "))
        if len(columns) != 10:
            yield f"not 10 columns: {line}"
            continue
        name, reading, kind, state = columns[:4]
        if kind == "discrete":
            if not (reading.startswith("0x") and state.startswith("0x")):
                yield f"no state: {line}"
            continue
        count += 1
        if not (re.fullmatch(r"-?[0-9.]+", reading) and state in ("ok", "nc", "cr", "nr")):
            yield f"no reading: {line}"
        yield from _wrong_thresholds(line, columns[4:], wanted.pop(name, ""), "na")
    yield from (f"not there: {name}" for name, bits in wanted.items() if "1" in bits)
    if count < 20:
        yield f"{count} sensors with readings"


def readable_thresholds(lines):
    readings = sum(bool(re.match(r" Sensor Reading *: [0-9.]* \(\+/- 0\)", line)) for line in lines)
    if readings != sum(line.startswith("Sensor ID") for line in lines):
        yield "no reading"


def _freeipmi_rows(lines):
    for line in lines:
        columns = re.split(r" *\| *", line)
        yield line, columns + [""] * (11 - len(columns))


def freeipmi_readings(lines):
    """Sensors with thresholds have a reading."""
    wanted = _thresholds()
    for _, columns in _freeipmi_rows(lines):
        if re.fullmatch(r"[0-9.]+", columns[3]) and columns[4] in ("C", "RPM", "W", "V", "%"):
            wanted.pop(columns[1], None)
    yield from (f"no reading: {name}" for name in wanted)


def freeipmi_thresholds(lines):
    wanted = _thresholds()
    for line, columns in _freeipmi_rows(lines):
        if columns[1] in wanted:
            yield from _wrong_thresholds(line, columns[5:11], wanted.pop(columns[1]), "N/A")
    yield from (f"not there: {name}" for name in wanted)


def no_empty_field(lines):
    return (line for line in lines if re.search(": *$", line) and "System Unique ID:" not in line)


def pyghmi_readings(lines):
    for name in _thresholds():
        if not any(re.match(re.escape(name) + r": -?[0-9.]+ [^ ]", line) for line in lines):
            yield f"no reading: {name}"
