"""Prints what a method of pyghmi's Command returns, a line for each part.

Usage: pyghmi_get.py PORT PASSWORD METHOD [ARGUMENT...]
"""
import sys

from pyghmi.ipmi.command import Command


def text(part):
    """A reading, an event, an entry of the inventory, or whatever it is."""
    if hasattr(part, "states"):
        line = f"{part.name}: {part.value} {part.units} {part.states}"
        return line + (" unavailable" if part.unavailable else "")
    if isinstance(part, tuple):
        return f"{part[0]}: {part[1]}"
    if isinstance(part, dict) and "component" in part:
        direction = "deasserted" if part["deassertion"] else "asserted"
        return f"{part['timestamp']} {part['component']}: {part['event']} ({direction})"
    if isinstance(part, dict) and "name" in part:
        return f"{part['name']}: {part['type']}"
    return str(part)


def parts(result):
    if isinstance(result, dict) and "badreadings" in result:
        return [f"health {result['health']}", *result["badreadings"]]
    if isinstance(result, (str, dict)) or hasattr(result, "states"):
        return [result]
    return result


port, password, method, *arguments = sys.argv[1:]
command = Command(bmc="127.0.0.1", userid="admin", password=password, port=int(port))
for part in parts(getattr(command, method)(*arguments)):
    print(text(part))
