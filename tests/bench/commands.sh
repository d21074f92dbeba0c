#!/bin/bash
# Measures requests of sessions: Get Chassis Status and Get Sensor Reading, authenticated and encrypted,
# beside an echo, which no server can be faster than, an echo whose client seals and checks what it sends
# and gets, ipmi_sim and pyghmi's fakebmc. The sides take turns, each on its own core, the clients on
# another; medians of the rounds count. Fails where it is below what is promised (commands.py). On a
# machine with two cores that is otherwise idle, in three minutes.
# shellcheck source=tests/e2e/functions.sh
. "$(dirname "$0")/../e2e/functions.sh"
# shellcheck source=tests/bench/simulator.sh
. "$top/tests/bench/simulator.sh"
requires ipmi_sim ipmitool taskset fakebmc valgrind

rounds=${COMMANDS_ROUNDS:-5}
seconds=${COMMANDS_SECONDS:-1}
uart_node $dir/a.sock
write_config
sed -i 's/log-level = debug/log-level = info/' vbmc.conf
start_vbmcd
wait_for 20 prints g1 vbmc list
port=$(port_of g1)
start_simulator
logins echo 127.0.0.1 9002 - - &
echo_pid=$!
cleanup kill $echo_pid
fakebmc --port 9003 >fakebmc.log 2>&1 </dev/null &
fakebmc_pid=$!
cleanup kill $fakebmc_pid
wait_for 20 ipmitool -I lanplus -C 3 -H 127.0.0.1 -p 9003 -U admin -P password mc info
for pid in "$vbmcd_pid" $simulator_pid $echo_pid $fakebmc_pid; do
	taskset -a -p -c 0 "$pid" >/dev/null
done

# one SIDE SESSIONS PID OPTION... : a line of what the clients say. A refusal or a time-out is told.
one() {
	local side=$1 sessions=$2 pid=$3 status=0
	shift 3
	measured=$(taskset -c 1 "$build/logins" -p "$pid" -n "$sessions" -t "$seconds" "$@") || status=$?
	echo "$round $side $sessions $status $measured" >>results
}
ours() { one "$1" "$2" "$vbmcd_pid" -s "$3" commands 127.0.0.1 "$port" admin "$password" "${@:4}"; }

# Sensor 20h is Sys Power.
for ((round = 1; round <= rounds; round++)); do
	for sessions in 32 8 1; do
		one echo $sessions $echo_pid bare 127.0.0.1 9002 - -
		one sealed $sessions $echo_pid sealed 127.0.0.1 9002 - -
		ours vbmcd $sessions 3
		ours vbmcd-17 $sessions 17
		[[ $sessions != 32 ]] || ours vbmcd-reading $sessions 3 0x04 0x2d 0x20
		one ipmi_sim $sessions $simulator_pid -s 3 commands 127.0.0.1 9001 admin "$password"
	done
	((round > 1)) || one fakebmc 1 $fakebmc_pid -s 3 commands 127.0.0.1 9003 admin password
done
if [[ -x $build/unit/test_datagram_path ]]; then
	"$build/unit/test_datagram_path" >instructions || touch instructions_failed
fi
python "$top/tests/bench/commands.py" results instructions "$build/bench-commands.json"
