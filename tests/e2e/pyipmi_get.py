"""Prints what a method of python-ipmi's connection returns, with its attributes.

Usage: pyipmi_get.py HOST PORT PASSWORD METHOD [ARGUMENT...]    arguments are Python's literals
Of "A.B", B is a method of the connection's attribute A.
"""
import ast
import sys

import pyipmi
import pyipmi.interfaces

host, port, password, method, *arguments = sys.argv[1:]
connection = pyipmi.create_connection(pyipmi.interfaces.create_interface("rmcp", keep_alive_interval=0))
connection.session.set_session_type_rmcp(host, int(port))
connection.session.set_auth_type_user("admin", password)
connection.target = pyipmi.Target(ipmb_address=0x20)
connection.session.establish()
try:
    function = connection
    for name in method.split("."):
        function = getattr(function, name)
    result = function(*map(ast.literal_eval, arguments))
    for part in result if isinstance(result, list) else [result]:
        print(part)
        for name, value in sorted(getattr(part, "__dict__", {}).items()):
            print(f"  {name}: {value}")
finally:
    connection.session.close()
