"""What a hostile client of the SSH server does, a function for each of its plans."""
import os
import socket
import sys
import threading
import time

import paramiko
import pexpect
from paramiko.message import Message

PATIENCE = float(os.environ.get("VBMC_PATIENCE", "1"))
OPTIONS = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
           "-o", "LogLevel=ERROR", "-o", "PreferredAuthentications=password", "-p", "6022"]


def shell():
    """libedit has a command line of its own, by which an editor could be started."""
    child = pexpect.spawn("ssh", OPTIONS + ["-t", "admin@127.0.0.1"], timeout=60 * PATIENCE)
    child.expect("assword: ?")
    child.send("secret\n")
    for keys in (b"\x1bx", b"\x1bX", b"\xc3\xb8\x7f", b"\xf8"):
        child.expect("vbmc> ")
        child.send(keys + b"bind -v\r")
        child.expect(b"unknown command '[^i]{0,3}ind'")
    child.expect("vbmc> ")
    child.send("exit\r")
    child.expect(pexpect.EOF)


def connect():
    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", 6022)))
    transport.start_client(timeout=60 * PATIENCE)
    return transport


def packet(kind, *fields):
    message = Message()
    message.add_byte(bytes([kind]))
    for field in fields:
        if isinstance(field, bool):
            message.add_boolean(field)
        elif isinstance(field, int):
            message.add_int(field)
        else:
            message.add_string(field)
    return message


def send_until_closed(transport, message):
    end = time.monotonic() + 60 * PATIENCE
    while transport.is_active() and time.monotonic() < end:
        try:
            transport._send_message(message)
        except (OSError, EOFError):
            return
    assert not transport.is_active(), "it may go on for ever"


def before_login():
    """Before the login, anything that is done again and again comes to an end: libssh answers some of
    it by itself, and wrong signatures not at all."""
    key = paramiko.RSAKey.generate(2048).asbytes()
    signature = Message()
    signature.add_string("rsa-sha2-256")
    signature.add_string(bytes(255) + bytes([1]))
    for message in (packet(50, "admin", "ssh-connection", "none"),
                    packet(50, "admin", "ssh-connection", "publickey", True, "rsa-sha2-256", key,
                           signature.asbytes())):
        transport = connect()
        transport._send_message(packet(5, "ssh-userauth"))
        send_until_closed(transport, message)


def not_reading():
    """What is not read is not kept: the server stops to listen instead."""
    transport = connect()
    transport.auth_password("admin", "secret")
    transport.packetizer.read_message = lambda: time.sleep(3600)
    sent = 0

    def send():
        nonlocal sent
        while True:
            transport._send_message(packet(80, "keepalive@openssh.com", True))
            sent += 1

    threading.Thread(target=send, daemon=True).start()
    end = time.monotonic() + 60 * PATIENCE
    before = -1
    while sent != before:
        assert time.monotonic() < end, f"it takes more and more, {sent} requests by now"
        before = sent
        time.sleep(1.5)
    os._exit(0)


def all_sessions():
    """One account may not take every session that there is, nor one session many programs."""
    sessions = []
    for _ in range(100):
        transport = connect()
        try:
            transport.auth_password("looker", "look")
        except (paramiko.SSHException, EOFError):
            pass
        sessions.append(transport)
    transport = connect()
    transport.auth_password("admin", "secret")
    channel = transport.open_session(timeout=60 * PATIENCE)
    channel.exec_command("list")
    assert b"g1" in channel.recv(65536)
    transport = connect()
    transport.auth_password("admin", "secret")
    channels = [transport.open_session(timeout=60 * PATIENCE) for _ in range(2)]
    try:
        channels.append(transport.open_session(timeout=15 * PATIENCE))
        raise SystemExit("three channels at once")
    except paramiko.ChannelException:
        pass
    active = sum(session.is_active() for session in sessions)
    assert active == 32, f"{active} sessions"
    os._exit(0)


def rubbish():
    """What is no SSH client is told of and, after some of it, refused."""
    def heard(words):
        with socket.create_connection(("127.0.0.1", 6022), timeout=15 * PATIENCE) as stranger:
            try:
                data = stranger.recv(4096)
                if data:
                    stranger.sendall(words)
                while stranger.recv(4096):
                    pass
            except ConnectionError:
                pass
            return data

    assert heard(b"GET / HTTP/1.0\r\n\r\n")
    for _ in range(10):
        if not heard(b"GET / HTTP/1.0\r\n\r\n"):
            return
    raise SystemExit("still served")


PLANS = {"all-sessions": all_sessions, "shell": shell, "before-login": before_login,
         "not-reading": not_reading, "rubbish": rubbish}

PLANS[sys.argv[1]](*sys.argv[2:])
