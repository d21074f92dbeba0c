"""A QMP monitor that says of its guest what it is told to: fake_qmp.py SOCKET RUN_STATE"""

import json
import os
import socket
import sys

path, state = sys.argv[1:]
if os.path.exists(path):
    os.unlink(path)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
os.chmod(path, 0o666)  # the daemon has a user of its own
server.listen(5)
GREETING = {"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""},
                    "capabilities": []}}
RESULTS = {"query-status": {"status": state, "running": False, "singlestep": False}}
while True:
    connection, _ = server.accept()
    lines = connection.makefile("rw")

    def say(message):
        lines.write(json.dumps(message) + "\r\n")
        lines.flush()

    say(GREETING)
    for line in lines:
        command = json.loads(line)
        print(command["execute"], flush=True)
        say({"return": RESULTS.get(command["execute"], {}), "id": command.get("id")})
