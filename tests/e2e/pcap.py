"""Prints how many DHCP transactions clients began in a capture: pcap.py FILE"""
import struct
import sys

with open(sys.argv[1], "rb") as file:
    capture = file.read()
transactions, offset = set(), 24
while offset + 16 <= len(capture):
    size = struct.unpack_from("<I", capture, offset + 8)[0]
    frame = capture[offset + 16:offset + 16 + size]
    offset += 16 + size
    # Ethernet, IPv4 without options, UDP to port 67: BOOTP, whose transaction id is at 4
    if frame[12:15] == b"\x08\x00\x45" and frame[23] == 17 and frame[36:38] == b"\x00\x43":
        transactions.add(frame[46:50])
print(len(transactions))
