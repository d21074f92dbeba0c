"""A bad network between IPMI clients and a BMC: passes UDP datagrams on, and loses, doubles and
reorders some of them in both directions.  Which ones depends on the seed and on how many have passed
in that direction alone.

    sol_proxy.py LISTEN_HOST LISTEN_PORT HOST PORT [SEED [DROP DUPLICATE REORDER [SKIP]]]
                                         probabilities, 0.05 0.02 0.02; the first SKIP datagrams in
                                         each direction pass as they are

Prints "ready" when it listens, and at the end (SIGTERM) what it did."""
import random
import selectors
import signal
import socket
import sys
import time

HOLD_S = 0.05  # a reordered datagram goes after the next one, or after that time


class Direction:
    def __init__(self, name, seed, probabilities, skip):
        self.name, self.random, self.probabilities = name, random.Random(seed), probabilities
        self.skip = skip
        self.held, self.held_until = None, 0.0
        self.counts = dict.fromkeys(("passed", "dropped", "doubled", "reordered"), 0)

    def pass_on(self, send, datagram):
        drop, double, reorder = (self.random.random() < p for p in self.probabilities)
        self.counts["passed"] += 1
        if self.counts["passed"] <= self.skip:
            drop = double = reorder = False
        if drop:
            self.counts["dropped"] += 1
            return
        if reorder and not self.held:
            self.counts["reordered"] += 1
            self.held, self.held_until = (send, datagram), time.monotonic() + HOLD_S
            return
        send(datagram)
        if double:
            self.counts["doubled"] += 1
            send(datagram)
        self.release()

    def release(self):
        if self.held:
            (send, datagram), self.held = self.held, None
            send(datagram)


class Proxy:
    def __init__(self, listen, target, seed=1, probabilities=(0.05, 0.02, 0.02), skip=0):
        self.target = target
        self.there = Direction("to the BMC", "%s there" % seed, probabilities, skip)
        self.back = Direction("from the BMC", "%s back" % seed, probabilities, skip)
        self.selector = selectors.DefaultSelector()
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(listen)
        self.selector.register(self.front, selectors.EVENT_READ, None)
        self.clients = {}  # address of a client: the socket that stands for it at the BMC

    def socket_of(self, client):
        if client not in self.clients:
            upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            upstream.connect(self.target)
            self.clients[client] = upstream
            self.selector.register(upstream, selectors.EVENT_READ, client)
        return self.clients[client]

    def handle(self, sock, client):
        try:
            if sock is self.front:
                datagram, client = sock.recvfrom(2048)
                self.there.pass_on(self.socket_of(client).send, datagram)
            else:
                self.back.pass_on(lambda d: self.front.sendto(d, client), sock.recv(2048))
        except ConnectionRefusedError:  # the BMC is not there: as good as lost
            pass

    def run(self):
        while True:
            for key, _ in self.selector.select(HOLD_S / 2):
                self.handle(key.fileobj, key.data)
            for direction in (self.there, self.back):
                if time.monotonic() >= direction.held_until:
                    direction.release()


def main(arguments):
    listen, target = ((host, int(port)) for host, port in (arguments[:2], arguments[2:4]))
    seed = arguments[4] if len(arguments) > 4 else 1
    probabilities = tuple(map(float, arguments[5:8])) or (0.05, 0.02, 0.02)
    skip = int(arguments[8]) if len(arguments) > 8 else 0
    proxy = Proxy(listen, target, seed, probabilities, skip)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("ready", flush=True)
    try:
        proxy.run()
    finally:
        for direction in (proxy.there, proxy.back):
            print(direction.name, direction.counts, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
