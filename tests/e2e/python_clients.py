"""Runs scripts of Python, each in a process forked from one that has imported what takes them long.

Processes and not threads: pyghmi and pexpect keep states of their whole process.
"""
import json
import os
import runpy
import signal
import socket
import sys
import traceback


class PythonClients:
    """Begin it before there are threads; any thread may then run scripts, until the end of the `with`."""

    def __enter__(self):
        self._server = socket.create_server(("127.0.0.1", 0))
        self._process = os.fork()
        if self._process == 0:
            try:
                _serve(self._server)
            finally:
                os._exit(1)
        return self

    def __exit__(self, *_):
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        self._server.close()

    def run(self, arguments, out, errors):
        """The exit status of a script with its arguments; what it prints is added to these files."""
        with socket.create_connection(self._server.getsockname()) as connection:
            connection.sendall(json.dumps([arguments, out, errors]).encode() + b"\n")
            return int(connection.makefile().readline())


def _serve(server):
    import pexpect.popen_spawn
    import pyghmi.ipmi.command
    import pyipmi.interfaces
    import pyipmi.ipmitool

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    while True:
        client, _ = server.accept()
        if os.fork() == 0:
            server.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            status = _run(*json.loads(client.makefile().readline()))
            sys.stdout.flush()
            sys.stderr.flush()
            client.sendall(b"%d\n" % status)
            os._exit(0)
        client.close()


def _run(arguments, *files):
    sys.argv = arguments
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), number)
    try:
        runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
