#!/bin/bash
# Measures the consoles beside socat, the echo of a key beside a direct connection, and SOL beside what
# one packet in flight allows. Prints the figures; fails where they are below what vbmcd(8) promises.
# shellcheck source=tests/e2e/functions.sh
. "$(dirname "$0")/../e2e/functions.sh"
requires socat ssh sshpass

uart_node $dir/uart.sock
write_config 'console-history = 4M' '[ssh]' 'listen = 127.0.0.1:6022'
start_vbmcd
wait_for 2 prints g1 vbmc list
status=0
python "$top/tests/bench/console.py" "$dir/uart.sock" "$dir/direct.sock" "vbmc console=vbmc console g1" \
	"ssh=sshpass -p $password ssh -p 6022 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR admin@127.0.0.1 console g1" || status=$?
stop_vbmcd
rm uart.sock
start_vbmcd
wait_for 2 prints g1 vbmc list
python "$top/tests/bench/sol.py" $dir/uart.sock $port || status=$?
exit $status
