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


def watch(seconds, until=None):
    """Readings with their times, for so long, or until the condition holds."""
    series, end = [], time.monotonic() + seconds * (PATIENCE if until else 1)
    while time.monotonic() < end:
        series.append((time.monotonic(), read()))
        if until and until(series[-1][1]):
            return series
        time.sleep(0.3)
    if until:
        fail(f"not within {seconds} s; last: {series[-1][1]}")
    return series


def mean(series, name):
    return sum(values[name] for _, values in series) / len(series)


def true_utilisation(seconds):
    """What the vCPU threads used, and what CPU Util said meanwhile. A reading tells of the sampling
    period before it, two seconds, so the readings begin and end one second later."""
    before, threads = vcpu_seconds()
    begin = time.monotonic()
    time.sleep(1)
    series = watch(seconds)
    time.sleep(max(0, begin + seconds - time.monotonic()))
    used, _ = vcpu_seconds()
    truth = (used - before) / (time.monotonic() - begin) / threads * 100
    return truth, mean(series, "CPU Util")


def compare_utilisation(what):
    for attempt in range(3):
        truth, reading = true_utilisation(12)
        print(f"{what}: vCPU threads {truth:.1f} %, CPU Util {reading:.1f} %")
        if abs(truth - reading) <= 5:
            return truth
    return fail(f"{what}: CPU Util is not within 5 points of the truth")


def first_time(series, name, low, high):
    """When a reading had gone halfway from low to high."""
    for when, values in series:
        if values[name] >= (low + high) / 2:
            return when
    return fail(f"{name} did not get halfway from {low} to {high}")


def dcmi_watts():
    for line in run(*IPMITOOL, "dcmi", "power", "reading").splitlines():
        if "Instantaneous" in line:
            return float(line.split(":")[1].split()[0])
    return fail("no instantaneous power reading")


def freeipmi_names():
    return run("ipmi-sensors", "-D", "LAN_2_0", "-I", "17", "-l", "admin", "-h", f"127.0.0.1:{PORT}",
               "-u", "admin", "-p", PASSWORD, "--no-header-output", "--comma-separated-output",
               "--quiet-cache")


def busy_loop():
    rest = watch(60, lambda v: v["CPU Util"] < 25 and v["CPU1 Temp"] < 60)[-1][1]
    print(f"at rest: {rest}")
    compare_utilisation("at rest")
    began = time.monotonic()
    type_line("while :; do :; done & busy=$!")
    series = watch(32)
    truth = compare_utilisation("busy loop")
    busy = series[-1][1]
    print(f"busy: {busy}")
    times = {name: first_time(series, name, rest[name], busy[name]) - began
             for name in ("CPU Util", "Sys Power", "CPU1 Temp", "Fan1")}
    print("halfway after " + ", ".join(f"{name} {at:.1f} s" for name, at in times.items()))
    if not times["CPU Util"] <= times["Sys Power"] <= times["CPU1 Temp"] <= times["Fan1"]:
        fail("not in the order utilisation, watts, temperature, fans")
    if truth > 80 and busy["CPU1 Temp"] < rest["CPU1 Temp"] + 15:
        fail("the CPU has not warmed up")
    watts = dcmi_watts()
    if abs(watts - read()["Sys Power"]) > 20:
        fail(f"dcmi power reading says {watts} W")
    for name in NAMES:
        if f",{name}," not in freeipmi_names():
            fail(f"ipmi-sensors does not show {name}")
    type_line("kill $busy")
    watch(120, lambda v: all(v[name] <= rest[name] + (busy[name] - rest[name]) / 5
                             for name in ("CPU Util", "Sys Power", "CPU1 Temp", "Fan1")))
    print("all have come back down")


def disk():
    before = watch(4)
    type_line("while :; do echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/vda of=/dev/null bs=64k; "
              "done >/dev/null 2>&1 & reader=$!")
    idle = mean(before, "Disk Power")
    watch(40, lambda v: v["IO Util"] >= 10 and v["Disk Power"] > idle + 0.9)
    print(f"dd: {read()}, disk power before {idle:.1f}")
    type_line("kill $reader")
    watch(60, lambda v: v["IO Util"] < 5 and v["Disk Power"] <= idle + 0.3)
    print("the disk is at rest again")


busy_loop()
disk()
