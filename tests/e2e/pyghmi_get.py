"""Prints what a method of pyghmi's Command returns, a line for each part.

Usage: pyghmi_get.py HOST PORT PASSWORD METHOD [ARGUMENT...]    literals of Python or strings, NAME=VALUE
"""
import ast
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
    if isinstance(part, dict) and "name" in part and "type" in part:
        return f"{part['name']}: {part['type']}"
    return str(part)


def parts(result):
    if isinstance(result, dict) and "badreadings" in result:
        return [f"health {result['health']}", *result["badreadings"]]
    if result is None:
        return []
    if isinstance(result, (str, int, dict)) or hasattr(result, "states"):
        return [result]
    return result


def value_of(argument):
    try:
        return ast.literal_eval(argument)
    except (SyntaxError, ValueError):
        return argument


host, port, password, method, *arguments = sys.argv[1:]
command = Command(bmc=host, userid="admin", password=password, port=int(port))
named = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
result = getattr(command, method)(
    *(value_of(argument) for argument in arguments if "=" not in argument),
    **{name: value_of(value) for name, value in named.items()})
for part in parts(result):
    print(text(part))
