"""A daemon that answers as the test says: fake_daemon.py SOCKET ANSWERS. The file ANSWERS holds a map
from verb to result, read for each request; the result "hang" is never sent. Requests are printed."""
import json
import os
import socket
import sys
import threading


def serve(connection, answers):
    with connection, connection.makefile("rwb") as stream:
        for line in stream:
            request = json.loads(line)
            sys.stdout.write(json.dumps(request) + "\n")  # at once, as threads do not take turns
            sys.stdout.flush()
            with open(answers, encoding="utf-8") as file:
                result = json.load(file).get(request["verb"])
            if result == "hang":
                threading.Event().wait()
            stream.write(json.dumps({"ok": True, "result": result}).encode() + b"\n")
            stream.flush()


def main():
    path, answers = sys.argv[1:]
    if os.path.exists(path):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(8)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, answers), daemon=True).start()


main()
