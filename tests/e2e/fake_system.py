"""The machine of a daemon that has build/fake_system.so preloaded: its time of day, and whether its
disk takes what is written.  See fake_system.c."""
import mmap
import os
import struct


class Machine:
    def __init__(self, path):
        with open(path, "ab") as file:
            file.truncate(16)
        os.chmod(path, 0o644)
        with open(path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 16)
        self.ahead_ms, self.write_error = struct.unpack("<qq", self.page)

    def set_clock(self, ahead_ms):
        """So many milliseconds ahead of the real time of day."""
        self.ahead_ms = ahead_ms
        self.page[:8] = struct.pack("<q", ahead_ms)

    def fail_writes(self, error):
        """A number of errno; 0: they succeed."""
        self.write_error = error
        self.page[8:16] = struct.pack("<q", error)
