"""How long `vbmc top` takes on a terminal from the key that asks for them to the new figures: the least of
three, in ms. What is new is the clock at least."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

DEADLINE_S = 30


def read_until_quiet(terminal, quiet_s):
    """Until nothing has come for so long; the first must come before the deadline. When that was."""
    first = None
    while select.select([terminal], [], [], quiet_s if first else DEADLINE_S)[0]:
        if not os.read(terminal, 65536):
            break
        first = first or time.monotonic()
    if not first:
        sys.exit('vbmc top has drawn nothing')
    return first


def main():
    child, terminal = pty.fork()
    if child == 0:
        os.environ['TERM'] = 'xterm'
        os.execvp('vbmc', ['vbmc', 'top', '--interval', '3600'])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 50, 160, 0, 0))
    took = []
    read_until_quiet(terminal, 2)
    for _ in range(3):
        begun = time.monotonic()
        os.write(terminal, b' ')
        took.append(read_until_quiet(terminal, 1.5) - begun)
    os.write(terminal, b'q')
    os.waitpid(child, 0)
    print(round(min(took) * 1000))


main()
