#!/usr/bin/python3
"""Keeps a guest's serial Unix socket open for a test: all output goes to a log file, and what is
written to a FIFO is sent to the guest. It outlives QEMU: when the socket goes away it reconnects.
A shell test then needs no more than grep on the log and echo into the FIFO; the guest's output
carries \\r\\n, what is sent goes out unchanged (echo's newline is the Enter key).

Usage: console.py SOCKET --log FILE [--fifo FIFO]     ends on SIGTERM or SIGINT
"""
import argparse
import os
import select
import signal
import socket
import sys
import time


def connect(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(path)
        return sock
    except OSError:
        sock.close()
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("socket")
    parser.add_argument("--log", required=True)
    parser.add_argument("--fifo")
    args = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))

    log = os.open(args.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    fifo = None
    if args.fifo:
        if not os.path.exists(args.fifo):
            os.mkfifo(args.fifo, 0o600)
        # Read and write: the writers may come and go without an end of file.
        fifo = os.open(args.fifo, os.O_RDWR)

    sock = None
    while True:
        if sock is None:
            sock = connect(args.socket)
            if sock is None:
                time.sleep(0.05)  # what is sent meanwhile waits in the FIFO
                continue
        ready, _, _ = select.select([sock] + ([fifo] if fifo is not None else []), [], [])
        try:
            if sock in ready:
                data = sock.recv(65536)
                if not data:
                    raise ConnectionError
                os.write(log, data)
            if fifo in ready:
                sock.sendall(os.read(fifo, 4096))
        except OSError:
            sock.close()
            sock = None


main()
