#!/bin/bash
# What many BMCs cost: start, restart, memory, open files, processor time at rest, list, top, stop; with
# figures of the guests of which 5 % change. Prints a table, writes $VBMC_BUILD/fleet.json, and fails where
# a figure at 10,000 is above what is promised. What libvirt itself takes is taken off.
# Usage: fleet.sh [COUNT...]
# shellcheck source=tests/e2e/functions.sh
. "$(dirname "$0")/../e2e/functions.sh"
# shellcheck source=tests/e2e/fleet.sh
. "$top/tests/e2e/fleet.sh"

counts=("$@")
((${#counts[@]} > 0)) || counts=(1000 10000)
use_sampled
declare -A got=()

# best COMMAND...: the least of three, in ms.
best() {
	local least=999999 begun took
	for _ in 1 2 3; do
		begun=$(now_ms)
		"$@" >/dev/null
		took=$(($(now_ms) - begun))
		least=$((took < least ? took : least))
	done
	echo $least
}
# start_fleet COUNT: ms until all listen, less what libvirt took; ms of processor time, the same.
start_fleet() {
	local begun
	begun=$(now_ms)
	: >vbmcd.log
	launch_vbmcd
	wait_for 120 grep -q 'is connected' vbmcd.log
	wait_for 120 fleet_listens "$1"
	took=$(($(now_ms) - begun - hold_ms))
	used=$(($(cpu_ms "$vbmcd_pid") - hold_cpu_ms))
}
measure() {
	local count=$1 before
	rm -rf state
	fleet_node "$count"
	write_config 'addresses = 127.64.0.0/16'
	sed -i 's/^log-level = .*/log-level = info/' vbmc.conf
	read -r hold_kib hold_ms hold_cpu_ms < <("$build/hold" "$uri")
	start_fleet "$count"
	got[start.$count]=$took got[start-cpu.$count]=$used
	nap 15 # what was stored at first, and the memory that it took
	before=$(cpu_ms "$vbmcd_pid")
	nap 10
	got[idle.$count]=$((($(cpu_ms "$vbmcd_pid") - before) / 10))
	got[memory.$count]=$((($(rss_kib "$vbmcd_pid") - hold_kib) * 1024 / count))
	got[files.$count]=$(fds_of "$vbmcd_pid")
	got[list.$count]=$(best vbmc list)
	got[top.$count]=$(best vbmc top)
	got[redraw.$count]=$(python "$top/tests/bench/redraw.py")
	before=$(now_ms)
	stop_vbmcd
	got[stop.$count]=$(($(now_ms) - before))
	start_fleet "$count"
	got[restart.$count]=$took got[restart-cpu.$count]=$used
	nap 15
	got[memory-again.$count]=$((($(rss_kib "$vbmcd_pid") - hold_kib) * 1024 / count))
	stop_vbmcd
}

rows=(start start-cpu restart restart-cpu idle memory memory-again files list top redraw stop)
declare -A unit=([start]=ms [start-cpu]=ms [restart]=ms [restart-cpu]=ms [idle]=ms/s [memory]=bytes/BMC
	[memory-again]=bytes/BMC [files]="" [list]=ms [top]=ms [redraw]=ms [stop]=ms)
declare -A most=([start]=3000 [restart]=3000 [idle]=10 [memory]=16384 [memory-again]=16384 [files]=200
	[list]=300 [top]=300 [redraw]=300 [stop]=1000)
for count in "${counts[@]}"; do
	measure "$count"
done
printf '%-16s' ''
printf '%10s' "${counts[@]}"
echo
status=0
for row in "${rows[@]}"; do
	printf '%-16s' "$row"
	for count in "${counts[@]}"; do
		printf '%10s' "${got[$row.$count]}"
		((count < 10000 || got[$row.$count] <= ${most[$row]:-999999999})) || status=1
	done
	printf ' %s%s\n' "${unit[$row]}" "${most[$row]:+, at most ${most[$row]} at 10,000}"
done
# A BMC among 10,000 takes at most a fifth more than one among 1,000.
for row in start start-cpu restart restart-cpu memory memory-again; do
	[[ -n ${got[$row.1000]:-} && -n ${got[$row.10000]:-} ]] || continue
	times=10
	[[ $row != memory* ]] || times=1 # which is for each already
	if ((got[$row.10000] * 10 > got[$row.1000] * 12 * times)); then
		echo "$row grows by more than the number of BMCs"
		status=1
	fi
done
{
	printf '{"date": "%(%F)T"' -1
	for row in "${rows[@]}"; do
		for count in "${counts[@]}"; do
			printf ', "%s.%s": %s' "$row" "$count" "${got[$row.$count]}"
		done
	done
	echo '}'
} >"$build/fleet.json"
exit $status
