"""Opens a domain of openipmish and gives it commands; all that it says is printed.

Usage: openipmi.py HOST PORT PASSWORD [COMMAND REGEX]...
The answer to a command is there when what came since the command matches its regular expression. In commands,
"MC" is the management controller and "DOM" the domain.
"""
import sys

import pexpect
from pexpect.popen_spawn import PopenSpawn

host, port, password, *pairs = sys.argv[1:]
shell = PopenSpawn("openipmish", encoding="utf-8", timeout=60)
shell.logfile_read = sys.stdout
shell.sendline(f"domain open d -all lan -U admin -P {password} -A rmcp+ -p {port} {host}")
shell.expect("Operation: Domain fully up")
for command, regex in zip(pairs[::2], pairs[1::2], strict=True):
    command = command.replace("MC", "d(0.20)").replace("DOM", "d")
    shell.sendline(command)
    shell.expect_exact(command)  # it repeats what it reads
    shell.expect(regex)
shell.sendline("exit")
shell.expect(pexpect.EOF)
sys.exit(shell.wait())
