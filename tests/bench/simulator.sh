# shellcheck shell=bash
# To be sourced behind functions.sh: start_simulator starts ipmi_sim with a BMC at 127.0.0.1:9001, whose
# process is then $simulator_pid.
: "${dir:?}" "${password:?}"

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
	simulator_pid=$!
	cleanup kill $simulator_pid
	wait_for 20 ipmitool -I lanplus -C 3 -H 127.0.0.1 -p 9001 -U admin -P "$password" mc info
}
