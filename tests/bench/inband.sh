#!/bin/bash
# What the requests of a guest to its own BMC take: Get Device ID by KCS, driven by interrupts, beside QEMU's
# own ipmi-bmc-sim, which answers within QEMU, and the least in C that answers at the same kind of socket
# (responder.c). Three guests of the same kernel, one behind the other in each round; the median of the rounds'
# ratios counts. QEMU reads an answer byte by byte, each behind a turn of its loop, so that whoever answers by the socket is behind
# ipmi-bmc-sim. Fails where less is reached than promised: 0.80 of ipmi-bmc-sim, or 0.95 of that least.
# shellcheck source=tests/e2e/functions.sh
. "$(dirname "$0")/../e2e/functions.sh"
# shellcheck source=tests/e2e/inband.sh
. "$top/tests/e2e/inband.sh"

rounds=9 count=1000 result=0 uuid=00000000-0000-4000-8000-000000000001
[[ -x $build/responder ]] || fail "$build/responder is missing: run make test-tools first"

# expect LIMIT WORDS VALUE: at least that, both in hundredths.
expect() {
	local verdict=ok
	(($3 >= $1)) || verdict=less
	printf '%-60s %d.%02d  (at least %d.%02d)  %s\n' "$2" $(($3 / 100)) $(($3 % 100)) $(($1 / 100)) $(($1 % 100)) $verdict
}

# rate NAME COUNT: requests a second; none may fail, or have to wait for long.
rate() {
	local line failed us longest
	line=$(asks "$1" "$2")
	read -r _ _ _ failed _ us _ longest <<<"$line"
	[[ $failed == 0 ]] || fail "$1: $line"
	((longest < 4000000)) || fail "$1: as long as QEMU waits: $line"
	echo $(($2 * 1000000 / us))
}
# beside NAME: the rate of vbmcd beside that one's, in hundredths.
beside() { paste -d' ' bmc.rates "$1.rates" | awk '{ print int(100 * $1 / $2) }' | sort -n | sed -n "$((rounds / 2 + 1))p"; }

start_libvirtd
start_vbmcd
sed -i 's/log-level = debug/log-level = info/' vbmc.conf
vbmc reload
"$build/responder" $dir/responder.socket &
asking_guest bmc $uuid /run/vbmc/$uuid.ipmi
asking_guest least 00000000-0000-4000-8000-000000000002 $dir/responder.socket
asking_guest sim 00000000-0000-4000-8000-000000000003 /none -e "/value='-chardev'/{N;/id=ipmi0/d}" -e 's/ipmi-bmc-extern,id=bmc0,chardev=ipmi0/ipmi-bmc-sim,id=bmc0/'
wait_for 20 test -S /run/vbmc/$uuid.ipmi
for name in bmc least sim; do
	virsh -q start $name
	wait_for 240 serial_shows $name 'vbmc guest: booted'
	mark_serial $name
	types $name "grep ipmi_si /proc/interrupts | grep -v ' 0  '; echo \"=\$?=\""
	wait_for 60 serial_shows $name '^=[0-9]+='
	serial_shows $name '^=0=' || fail "$name: no interrupt has come"
done
for _ in $(seq $rounds); do
	for name in sim bmc least; do
		rate $name $count >>$name.rates
	done
done
for name in sim bmc least; do
	printf '%-6s requests a second: %s\n' $name "$(paste -sd' ' $name.rates)"
done
in_a_row=$(rate bmc 10000)
echo "bmc    10,000 in a row: $in_a_row a second, none without an answer"
expect 80 'Get Device ID by KCS beside ipmi-bmc-sim' "$(beside sim)" >verdict.sim
expect 95 'the same beside the least that answers at the socket' "$(beside least)" >verdict.least
cat verdict.sim verdict.least
# Either is enough: the one is what QEMU leaves of the other.
grep -q ok verdict.sim verdict.least || result=1
for name in bmc least sim; do
	virsh -q destroy $name
done
exit $result
