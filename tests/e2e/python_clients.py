"""Runs scripts of Python, each in a process forked from this one, which has imported what takes them long.

Usage: python_clients.py PORT FILE    the port is of the loopback; the file is made when it is ready
A connection brings strings that end with a NUL: a process, whose standard output and standard error are to be
used, the number of those that follow, the script, its arguments. It gets the script's exit status.
"""
import os
import runpy
import signal
import socket
import sys
import traceback

import pexpect.popen_spawn
import pyghmi.ipmi.command
import pyipmi.interfaces
import pyipmi.ipmitool


def strings(connection):
    """The strings of a request, as they come."""
    rest = b""
    while True:
        *whole, rest = rest.split(b"\0")
        yield from (string.decode() for string in whole)
        rest += connection.recv(65536)


def run(connection):
    """The exit status of what the connection asks for."""
    request = strings(connection)
    process, count = next(request), int(next(request))
    sys.argv = [next(request) for _ in range(count)]
    for number in 1, 2:
        os.dup2(os.open(f"/proc/{process}/fd/{number}", os.O_WRONLY | os.O_APPEND), number)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


signal.signal(signal.SIGCHLD, signal.SIG_IGN)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
with open(sys.argv[2], "w"):
    pass
while True:
    client, _ = server.accept()
    if os.fork() == 0:
        server.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        code = run(client)
        sys.stdout.flush()
        sys.stderr.flush()
        client.sendall(b"%d\n" % code)
        os._exit(0)
    client.close()
