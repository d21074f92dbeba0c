#!/bin/bash
# Measures log-ins: their rate beside that of ipmi_sim, what a flood of set-ups from many sources does to
# sessions, and whether the times of answers tell users apart. Fails where vbmcd(8) promises more. On a
# machine that is otherwise idle; logins.sh [rate|flood|timing] measures one of them.
# shellcheck source=tests/e2e/functions.sh
. "$(dirname "$0")/../e2e/functions.sh"
# shellcheck source=tests/bench/simulator.sh
. "$top/tests/bench/simulator.sh"
requires ipmi_sim ipmitool taskset

what=${1:-all}
rounds=3
seconds=4
timed=${LOGINS_TIMED:-20000}
memory_kib=4096
result=0
uart_node $dir/a.sock $dir/b.sock
write_config '[user gone1]' 'password = right' '[user lockd]' 'password = right'
sed -i 's/log-level = debug/log-level = info/' vbmc.conf
start_vbmcd
wait_for 20 prints g2 vbmc list
port=$(port_of g1)
measure() { "$build/logins" "$@" || touch failed; }

# ticks PID: of the processor, a hundredth of a second each.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
# beside PID ARGUMENT...: what the clients say, and what a log-in cost the process.
beside() {
	local pid=$1 before status=0
	shift
	before=$(ticks "$pid")
	measured=$("$build/logins" "$@") || status=1
	echo "$measured"
	awk -v ticks=$(($(ticks "$pid") - before)) -v a="$measured" -v seconds="$seconds" \
		'BEGIN { split(a, word, " "); printf "  %.0f us of the processor each\n", ticks * 10000 / (word[1] * seconds + 1) }'
	return $status
}
rate_of() { awk '{ print $1 }' <<<"$1"; }

# The best of the ratios of rounds side by side counts: other work on the machine weighs on both.
measure_rate() {
	local round theirs best=0
	start_simulator
	for ((round = 0; round < rounds; round++)); do
		echo "ipmi_sim:"
		beside $simulator_pid -s 3 -t $seconds rate 127.0.0.1 9001 admin "$password" || true
		theirs=$(rate_of "$measured")
		echo "vbmcd:"
		beside "$vbmcd_pid" -s 3 -t $seconds rate 127.0.0.1 "$port" admin "$password" || result=1
		best=$(awk -v a="$(rate_of "$measured")" -v b="$theirs" -v best="$best" \
			'BEGIN { r = a / (b > 0 ? b : 1); printf "%.2f", (r > best ? r : best) }')
	done
	beside "$vbmcd_pid" -s 17 -t $seconds rate 127.0.0.1 "$port" admin "$password" || result=1
	echo "$best times the rate of ipmi_sim"
	awk -v best="$best" 'BEGIN { exit best < 2 }' || result=1
}

resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$vbmcd_pid/status"; }

# Five times; the median of how much longer the 99 % take counts. What memory grows by is bounded by the
# tables: log-ins under way of two BMCs, and what the allocator keeps.
measure_flood() {
	local before other first round growth grown
	other=$(port_of g2)
	first=$((port < other ? port : other)) # the ports of both lie side by side
	before=$(resident)
	for ((round = 0; round < 5; round++)); do
		measure -n 50 -b 2 -t 20 -d 100000 -S 10000 flood 127.0.0.1 "$first" admin "$password" | tee -a flood.txt
	done
	growth=$(sed -n 's/^the 99 % grew by \(.*\) ms$/\1/p' flood.txt | sort -n | sed -n 3p)
	grown=$(($(resident) - before))
	echo "in the flood the 99 % of requests take $growth ms more, memory is $grown KiB more"
	awk -v growth="$growth" -v grown=$grown -v most=$memory_kib 'BEGIN { exit !(growth < 5 && grown < most) }' || result=1
}

# A user is locked out for ever by 255 bad passwords (parameter 26); `admin` gives some too, but his log-ins
# in between take them back.
measure_timing() {
	vbmc user g1 set gone1 --disable
	ipmitool -I lanplus -H 127.0.0.1 -p "$port" -U admin -P "$password" raw 0x0c 0x01 0x01 26 0 255 0 0 0 0
	taskset -p -c 0 "$vbmcd_pid" >/dev/null
	measure -r "$timed" timing 127.0.0.1 "$port" admin "$password" \
		valid-a:admin:"$password" valid-b:admin:"$password" wrong-a:admin:wrong wrong-b:admin:wrong \
		unknown-a:nobdy:wrong unknown-b:nobdy:wrong disabled-a:gone1:right disabled-b:gone1:right \
		locked-a:lockd:wrong locked-b:lockd:right
}

[[ $what != all && $what != rate ]] || measure_rate
[[ $what != all && $what != flood ]] || measure_flood
[[ $what != all && $what != timing ]] || measure_timing
[[ ! -e failed ]] || result=1
((result == 0)) && echo "all as promised" || echo "FAILED: below what is promised"
exit $result
