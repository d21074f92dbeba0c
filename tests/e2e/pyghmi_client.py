"""pyghmi without its pauses.  Its thread for input may take an answer from the socket before the thread
that asked has begun to wait; that one then sleeps until its time for a retry has come, 0.5 to 1 s for
each such request, although the answer is there.  Here the time is 20 to 40 ms; nothing else is changed."""
import random

from pyghmi.ipmi import command
from pyghmi.ipmi.private import session


class _LittleRandom:
    def __getattr__(self, name):
        return getattr(random, name)

    @staticmethod
    def random():
        return random.random() / 50


session.initialtimeout = 0.02
session.random = _LittleRandom()


def connect(port, user="admin", password="secret"):
    return command.Command("127.0.0.1", user, password, port=port)
