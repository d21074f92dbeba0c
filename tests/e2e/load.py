"""Watches the sensors of a guest's BMC while the guest works: load.py PORT PASSWORD QEMU_PID FIFO.

The truth about the CPU is the time of QEMU's vCPU threads over the same wall-clock window. What is
typed goes to the FIFO of the guest's console, where root is logged in."""

import os
import subprocess
import sys
import time

PORT, PASSWORD, QEMU, FIFO = sys.argv[1:]
PATIENCE = float(os.environ.get("VBMC_PATIENCE", "1"))
NAMES = ["CPU Util", "IO Util", "Sys Power", "Disk Power", "CPU1 Temp", "Fan1", "Exhaust Temp"]
# In the order that physics has: by how much each has to rise over its value at rest to have moved, and
# from which utilisation on it has to. On a machine with other work the guest may get a fifth of a
# core, which warms the CPU but not so far (56 C) that the fans go faster. Sys Power counts by 6 W, which
# may be one point of utilisation: three of these are more than 8.
CHAIN = {"CPU Util": (8, 12), "Sys Power": (18, 24), "CPU1 Temp": (3, 20), "Fan1": (300, 50)}
TICKS = os.sysconf("SC_CLK_TCK")
IPMITOOL = ["ipmitool", "-I", "lanplus", "-H", "127.0.0.1", "-p", PORT, "-U", "admin", "-P", PASSWORD]


def fail(text):
    sys.exit(f"FAILED: {text}")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr.strip():
        fail(f"{' '.join(command)}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def read():
    """What `ipmitool sensor reading` prints, by name."""
    values = {}
    for line in run(*IPMITOOL, "sensor", "reading", *NAMES).splitlines():
        name, value = line.split("|")
        values[name.strip()] = float(value)
    if sorted(values) != sorted(NAMES):
        fail(f"not all sensors were read: {values}")
    return values


def vcpu_seconds():
    """CPU time of the vCPU threads, and how many there are."""
    ticks, threads = 0, 0
    for task in os.listdir(f"/proc/{QEMU}/task"):
        with open(f"/proc/{QEMU}/task/{task}/stat", encoding="ascii") as stat:
            name, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
        if name.startswith("CPU "):
            fields = rest.split()
            ticks += int(fields[11]) + int(fields[12])
            threads += 1
    return ticks / TICKS, threads


def type_line(line):
    with open(FIFO, "w", encoding="ascii") as fifo:
        fifo.write(line + "\n")


def watch(seconds, until=None, demand=True):
    """Readings, for so long, or until the condition holds for one; that it does is demanded."""
    series, end = [], time.monotonic() + seconds * (PATIENCE if until else 1)
    while time.monotonic() < end:
        series.append(read())
        if until and until(series[-1]):
            return series
        time.sleep(0.3)
    if until and demand:
        fail(f"not within {seconds} s; last: {series[-1]}")
    return series


def mean(series, name):
    return sum(values[name] for values in series) / len(series)


def true_utilisation(seconds):
    """What the vCPU threads used, what CPU Util said meanwhile, and all readings. A reading tells of the sampling
    period before it, two seconds, so the readings begin and end one second later."""
    before, threads = vcpu_seconds()
    begin = time.monotonic()
    time.sleep(1)
    series = watch(seconds)
    time.sleep(max(0, begin + seconds - time.monotonic()))
    used, _ = vcpu_seconds()
    truth = (used - before) / (time.monotonic() - begin) / threads * 100
    return truth, mean(series, "CPU Util"), series


def compare_utilisation(what):
    """What differs is at the ends of the time that is looked at, where other work on the machine comes
    and goes: it weighs less the longer that is."""
    whole = []
    for seconds in (12, 24, 48):
        truth, reading, series = true_utilisation(seconds)
        whole += series
        print(f"{what}: vCPU threads {truth:.1f} %, CPU Util {reading:.1f} %")
        if abs(truth - reading) <= 5:
            return truth, whole
    return fail(f"{what}: CPU Util is not within 5 points of the truth")


def has_moved(values, rest, name):
    return values[name] >= rest[name] + CHAIN[name][0]


def check_order(series, rest):
    """Which have moved, each after what moves it. A sample that comes in the course of a reading is
    seen by the sensors at its end only: one reading is no difference."""
    moved = {name: first for name in CHAIN
             for first in [next((number for number, values in enumerate(series)
                                 if has_moved(values, rest, name)), None)] if first is not None}
    print("moved in reading " + ", ".join(f"{first}: {name}" for name, first in moved.items()))
    for earlier, later in zip(moved, list(moved)[1:]):
        if moved[earlier] > moved[later] + 1:
            fail(f"{later} has moved before {earlier}")
    return moved


def dcmi_watts():
    for line in run(*IPMITOOL, "dcmi", "power", "reading").splitlines():
        if "Instantaneous" in line:
            return float(line.split(":")[1].split()[0])
    return fail("no instantaneous power reading")


def check_dcmi():
    """It says what the sensor says before or after it, or between these."""
    before, watts, after = read()["Sys Power"], dcmi_watts(), read()["Sys Power"]
    if not min(before, after) - 5 <= watts <= max(before, after) + 5:
        fail(f"dcmi power reading says {watts} W, the sensor {before} and {after}")


def check_freeipmi():
    shown = run("ipmi-sensors", "-D", "LAN_2_0", "-I", "17", "-l", "admin", "-h", f"127.0.0.1:{PORT}",
                "-u", "admin", "-p", PASSWORD, "--no-header-output", "--comma-separated-output",
                "--quiet-cache")
    for name in NAMES:
        if f",{name}," not in shown:
            fail(f"ipmi-sensors does not show {name}")


def busy_loop():
    # Booting has warmed it up, or was so short that it is still getting warm. At rest it is when it does least;
    # what follows that slowly is where it is at last.
    watch(120, lambda v: v["CPU Util"] < 10 and v["CPU1 Temp"] < 45)
    _, series = compare_utilisation("at rest")
    rest = min(series, key=lambda v: (v["CPU Util"], v["Sys Power"]))
    rest |= {name: series[-1][name] for name in ("CPU1 Temp", "Fan1")}
    print(f"at rest: {rest}")
    type_line("while :; do :; done & busy=$!")
    series = watch(40, lambda v: all(has_moved(v, rest, name) for name in CHAIN), demand=False)
    truth, more = compare_utilisation("busy loop")
    busy = read()
    print(f"busy: {busy}")
    moved = check_order([*series, *more, busy], rest)
    for name, (_, utilisation) in CHAIN.items():
        if truth >= utilisation and name not in moved:
            fail(f"{name} has not moved by {truth:.0f} % of utilisation")
    if truth > 80 and busy["CPU1 Temp"] < rest["CPU1 Temp"] + 15:
        fail("the CPU has not warmed up")
    check_dcmi()
    check_freeipmi()
    type_line("kill $busy")
    watch(120, lambda v: all(v[name] <= rest[name] + max(CHAIN[name][0], busy[name] - rest[name]) / 4
                             for name in CHAIN))
    print("all have come back down")


def disk():
    before = watch(4)
    type_line("while :; do echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/vda of=/dev/null bs=64k; "
              "done >/dev/null 2>&1 & reader=$!")
    idle = mean(before, "Disk Power")
    watch(60, lambda v: v["IO Util"] >= 5 and v["Disk Power"] > idle + 0.4)
    print(f"dd: {read()}, disk power before {idle:.1f}")
    type_line("kill $reader")
    watch(60, lambda v: v["IO Util"] < 5 and v["Disk Power"] <= idle + 0.3)
    print("the disk is at rest again")


busy_loop()
disk()
