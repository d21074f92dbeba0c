#!/bin/bash
# Measures log-ins: their rate beside that of ipmi_sim, what a flood of set-ups from many sources does to
# sessions, and whether the times of answers tell users apart. Fails where vbmcd(8) promises more. On a
# machine that is otherwise idle; logins.sh [rate|flood|timing] measures one of them.
# shellcheck source=tests/e2e/functions.sh
. "$(dirname "$0")/../e2e/functions.sh"
requires ipmi_sim taskset

what=${1:-all}
rounds=3
result=0
uart_node $dir/a.sock $dir/b.sock
write_config '[user gone]' 'password = another-secret' '[user locked]' 'password = another-secret'
sed -i 's/log-level = debug/log-level = info/' vbmc.conf
start_vbmcd
wait_for 20 prints g2 vbmc list
port=$(port_of g1)
measure() { "$build/logins" "$@" || result=1; }

start_simulator() {
	cat >lan.conf <<-END
		name "bench"
		set_working_mc 0x20
		 startlan 1
		  addr 127.0.0.1 9001
		  priv_limit admin
		  allowed_auths_admin none md2 md5 straight
		  guid a123456789abcdefa123456789abcdef
		 endlan
		 user 1 false "" "" user 10 none md2 md5 straight
		 user 2 true "admin" "$password" admin 60 none md2 md5 straight
	END
	cat >bench.emu <<-END
		mc_setbmc 0x20
		mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
		mc_enable 0x20
	END
	ipmi_sim -c lan.conf -f bench.emu -s "$dir" -n >ipmi_sim.log 2>&1 </dev/null &
	cleanup kill $!
	wait_for 20 ipmitool -I lanplus -C 3 -H 127.0.0.1 -p 9001 -U admin -P "$password" mc info
}
rate_of() { awk '{ print $1 }' <<<"$1"; }

# The best of the ratios of rounds side by side counts: other work on the machine weighs on both.
measure_rate() {
	local round ours theirs best=0 suite
	start_simulator
	for ((round = 0; round < rounds; round++)); do
		theirs=$("$build/logins" -s 3 -t 4 rate 127.0.0.1 9001 admin "$password") || true
		echo "ipmi_sim: $theirs"
		ours=$(measure -s 3 -t 4 rate 127.0.0.1 "$port" admin "$password" && echo ok) || result=1
		echo "vbmcd:    $ours"
		[[ $ours == *ok ]] || result=1
		best=$(awk -v a="$(rate_of "$ours")" -v b="$(rate_of "$theirs")" -v best="$best" \
			'BEGIN { r = a / (b > 0 ? b : 1); printf "%.2f", (r > best ? r : best) }')
	done
	measure -s 17 -t 4 rate 127.0.0.1 "$port" admin "$password"
	echo "$best times the rate of ipmi_sim"
	awk -v best="$best" 'BEGIN { exit best < 2 }' || result=1
}

resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$vbmcd_pid/status"; }

measure_flood() {
	local before
	before=$(resident)
	measure -n 50 -b 2 -t 20 -d 100000 -S 10000 flood 127.0.0.1 "$port" admin "$password"
	echo "memory: $(($(resident) - before)) KiB more than before"
}

# 255 bad passwords, which also count of `admin`, lock out; a log-in takes them back.
measure_timing() {
	local n
	vbmc user g1 disable gone
	measure_lockout
	taskset -p -c 0 "$vbmcd_pid"
	measure -r 20000 timing 127.0.0.1 "$port" admin "$password" \
		valid-a:admin:"$password" valid-b:admin:"$password" \
		wrong-a:admin:wrong wrong-b:admin:wrong unknown-a:nobody:wrong unknown-b:nobody:wrong \
		disabled-a:gone:another-secret disabled-b:gone:another-secret \
		locked-a:locked:another-secret locked-b:locked:another-secret
}

[[ $what != all && $what != rate ]] || measure_rate
[[ $what != all && $what != flood ]] || measure_flood
[[ $what != all && $what != timing ]] || measure_timing
((result == 0)) && echo "all as promised" || echo "FAILED: below what is promised"
exit $result
