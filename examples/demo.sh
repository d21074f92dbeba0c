#!/bin/bash
# `make demo`: a real Linux guest, a BMC for it, and the stock ipmitool, one command after the other as
# anybody would type them. Each answer is checked, so this is a test as well: exit 1 if anything is
# not as it should be. Touches no libvirtd and leaves nothing behind.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$here")
build=$(cd "${VBMC_BUILD:-$top/build}" && pwd)
work=$build/demo
guest=web01
password=${VBMC_DEMO_PASSWORD:-$(tr -dc a-z0-9 </dev/urandom | head -c 16 || true)}

# ---- a process namespace of its own ----

# When this script ends, whatever way, the kernel ends all that it has started. And libvirt waits for
# children that the machine's init has to collect; ours does so at once.
namespace=(unshare --pid --fork --kill-child --mount-proc)
if [[ -z ${VBMC_DEMO_INSIDE:-} ]]; then
	export VBMC_DEMO_INSIDE=no
	if "${namespace[@]}" true 2>/dev/null; then
		VBMC_DEMO_INSIDE=yes
		exec "${namespace[@]}" "${BASH_SOURCE[0]}"
	fi
	echo "demo: no process namespace to be had (unshare is not permitted); going on without" >&2
fi
if [[ $VBMC_DEMO_INSIDE == yes ]]; then
	# systemd would be told process numbers that mean something else outside.
	export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent
	umount --lazy --recursive /sys/fs/cgroup 2>/dev/null || true
fi

# ---- what is printed ----

bold='' dim='' red='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
	bold=$'\e[1m' dim=$'\e[36m' red=$'\e[31m' plain=$'\e[0m'
fi

say() { printf '\n%s# %s%s\n' "$dim" "$1" "$plain"; }
typed() { printf '%s$ %s%s\n' "$bold" "$1" "$plain"; }
fail() {
	printf '%sdemo: %s%s\n' "$red" "$1" "$plain" >&2
	exit 1
}

# try EXPECTED COMMAND...: prints the command and its answer, which has to match the regular expression.
try() {
	local expected=$1 status=0
	shift
	local line=${*@Q}
	# What needs no quotes is shown without.
	line=$(sed -E "s,'([][A-Za-z0-9_./:=%@-]+)',\1,g" <<<"$line")
	typed "$line"
	answer=$("$@" 2>&1) || status=$?
	# The guest's shell asks for the cursor's place, which a terminal would answer here.
	answer=${answer//$'\e[6n'/}
	[[ -z $answer ]] || printf '%s\n' "$answer"
	[[ $status -eq 0 ]] || fail "'$line' failed with exit status $status"
	[[ $answer =~ $expected ]] || fail "'$line' did not answer '$expected'"
}

# ipmi EXPECTED ARGUMENTS...
ipmi() {
	local expected=$1
	shift
	try "$expected" ipmitool -I lanplus -H 127.0.0.1 -p "$port" -U admin -f admin.password "$@"
}

# within SECONDS WHAT COMMAND...: waits until the command succeeds.
within() {
	local limit=$1 what=$2 end
	shift 2
	end=$((SECONDS + limit))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || fail "$what: not within $limit seconds"
		kill -0 "$daemon" 2>/dev/null || fail "vbmcd has ended"
		sleep 0.1
	done
}

# All that the guest says at its serial port: `vbmc console --log --follow` writes it to serial.log.
serial() { [[ -e serial.log ]] && tr -d '\r\0' <serial.log; }
show_serial() { serial | grep -v '^ *$' | tail -n "$1" | sed "s/^/    ${dim}serial:${plain} /"; }
logins() { grep -ac 'login: ' serial.log 2>/dev/null || true; }
more_logins() { [[ $(logins) -gt $1 ]]; }
wait_for_login() {
	within 40 "the guest's login prompt" more_logins "$1"
	show_serial 2
}
power_is() { [[ $(vbmc power "$guest" status -f value) == *"$1"* ]]; }
dhcp_requests() { { grep -ao 'PXEClient:Arch' net.pcap 2>/dev/null || true; } | wc -l; }
more_dhcp_requests() { [[ $(dhcp_requests) -gt $1 ]]; }
# The last list of boot devices that SeaBIOS has printed.
boot_order() {
	tr -d '\r' <seabios.log | awk '/^boot order:/ { text = ""; inside = 1 }
		inside { text = text $0 "\n" }
		/^[0-9]+: HALT/ { inside = 0 }
		END { printf "%s", text }'
}
boots_first() { [[ $(boot_order | sed -n 2p) == *"$1"* ]]; }
show_boot_order() { boot_order | sed "s/^/    ${dim}SeaBIOS:${plain} /"; }

# sol_shows TEXT, sol_types TEXT: the screen and the keyboard of a user who runs `ipmitool sol activate`.
sol_shows() { within 15 "'$1' by SOL" grep -aq -- "$1" sol.log; }
sol_types() { printf '%s' "$1" >&3; }
# ipmitool on a terminal of its own, where somebody logs in to the guest, looks around and leaves.
sol_session() {
	local command="ipmitool -I lanplus -H 127.0.0.1 -p $port -U admin -f admin.password sol activate"
	local pid logged_in
	typed "$command"
	mkfifo keys
	script -qfc "$command" sol.log <keys >/dev/null &
	pid=$!
	exec 3>keys
	sol_shows 'SOL Session operational'
	sol_types $'\r'
	sol_shows 'login: $'
	sol_types $'root\r'
	sol_shows 'Password: $'
	sol_types $'vbmc\r'
	sol_shows '~ # '
	sol_types $'uname -sr; tty\r'
	sol_shows '^/dev/ttyS0'
	logged_in=$(logins)
	sol_types $'exit\r'
	within 10 "the end of the login" more_logins "$logged_in"
	sol_types $'\r~.'
	sol_shows 'terminated ipmitool'
	exec 3>&-
	wait "$pid"
	tr -d '\r\0' <sol.log | sed -e '1d;/^Script done/d' -e $'s/\e\\[[0-9]*n//g' | grep -v '^ *$' |
		sed "s/^/    ${dim}SOL:${plain} /"
}

# ---- beginning and end ----

daemon=''
short=''
ended() {
	local status=$?
	trap '' INT TERM HUP
	trap - EXIT
	cd /
	if [[ -n $daemon ]]; then
		if [[ $VBMC_DEMO_INSIDE != yes ]]; then
			timeout 10 vbmc power "$guest" off >/dev/null 2>&1 || true
		fi
		kill "$daemon" 2>/dev/null || true
		wait "$daemon" 2>/dev/null || true
	fi
	case $status in
	0 | 130 | 143) rm -rf "$work" ;;
	*)
		if [[ -s $work/vbmcd.log ]]; then
			echo "demo: $work is kept; its vbmcd.log ends so:" >&2
			tail -n 15 "$work/vbmcd.log" >&2
		fi
		;;
	esac
	[[ -z $short ]] || rm -rf "$short"
	exit "$status"
}
trap ended EXIT
trap 'echo; echo "demo: interrupted" >&2; exit 130' INT
trap 'exit 143' TERM HUP

for program in vbmcd vbmc; do
	[[ -x $build/$program ]] || fail "there is no $build/$program: run 'make demo'"
done
for tool in ipmitool qemu-system-x86_64 script ss; do
	command -v "$tool" >/dev/null || fail "$tool is missing: run 'make deps'"
done
export PATH=$build:$PATH

"$top/tests/guest/build.sh"

# kvm_prints TEXT SECONDS OPTIONS...: whether a machine on KVM prints it in that time, to the character
# device `out`.
kvm_prints() {
	local text=$1 end=$((SECONDS + $2)) probe result=1
	shift 2
	qemu-system-x86_64 -accel kvm -m 512 -nodefaults -display none -no-reboot \
		-chardev file,id=out,path=probe.log "$@" >/dev/null 2>&1 &
	probe=$!
	disown "$probe" # else the shell tells of its end, when it aborts
	while kill -0 "$probe" 2>/dev/null && ((SECONDS <= end)); do
		grep -aqs "$text" probe.log && result=0 && break
		sleep 0.1
	done
	kill -KILL "$probe" 2>/dev/null || true
	wait "$probe" 2>/dev/null || true
	rm -f probe.log
	return "$result"
}
# A /dev/kvm that is there may still run nothing, or no more than the firmware: what counts is that the
# guest comes up on it. On a KVM that works this takes two seconds.
kvm_works() {
	[[ -w /dev/kvm ]] &&
		kvm_prints 'vbmc guest: booted' 6 -cpu host -serial chardev:out \
			-drive "file=$top/build/guest/guest.img,format=raw,if=virtio,readonly=on"
}

free_port() {
	local taken candidate
	taken=" $(ss -Hlun | awk '{ sub(/.*:/, "", $4); print $4 }' | tr '\n' ' ')"
	for candidate in {6230..6329}; do
		[[ $taken == *" $candidate "* ]] || { echo "$candidate"; return; }
	done
	fail "no free UDP port between 6230 and 6329"
}

began=$SECONDS
rm -rf "$work"
mkdir -p "$work"
cd "$work"
port=$(free_port)

# The path of a Unix socket has at most 107 bytes, and libvirt needs some of them.
root=$work/root
if ((${#root} > 60)); then
	short=$(mktemp -d /tmp/vbmc-demo.XXXXXX)
	root=$short/root
fi
mkdir -p "$root/etc"
# The embedded libvirt's own settings: no virtlogd, no other user, nothing that needs a full system.
{
	echo 'stdio_handler = "file"'
	echo 'security_driver = "none"'
	echo 'namespaces = []'
	echo 'remember_owner = 0'
	if [[ $EUID -eq 0 ]]; then
		echo 'user = "root"'
		echo 'group = "root"'
	fi
} >"$root/etc/qemu.conf"
# Whatever OpenStack's tool has set up on this machine stays out of this.
echo '[default]' >virtualbmc.conf
echo "config_dir = $work/none" >>virtualbmc.conf
export VIRTUALBMC_CONFIG=$work/virtualbmc.conf

(umask 077 && printf '%s\n' "$password" >admin.password)
cat >vbmc.conf <<END
[daemon]
state-dir = $work/state
runtime-dir = ${short:-$work}/run

[hypervisor local]
uri = qemu:///embed?root=$root

[bmc]
ports = $port-$port

[user admin]
password-file = $work/admin.password
END
export VBMC_SOCKET=${short:-$work}/run/control.sock

"$top/tests/guest/domain.sh" "$guest" --serial-unix "${short:-$work}/uart" --seabios-log seabios.log \
	--pcap net.pcap >guest.xml
if kvm_works; then
	echo "The guest runs on KVM."
	sed -i -e "s/<domain type='qemu'/<domain type='kvm'/" \
		-e "s,<cpu .*</cpu>,<cpu mode='host-passthrough'/>," guest.xml
else
	echo "The guest runs under plain emulation: KVM is not to be had here. That is slower, no more."
fi

# ---- the demo ----

say "The whole configuration. One hypervisor, and one user whose password stands in a file."
typed "cat vbmc.conf"
cat vbmc.conf

say "Start the daemon. The libvirt driver is built into it here ('embed'): no libvirtd is involved."
typed "vbmcd --config vbmc.conf --foreground 2>vbmcd.log &"
vbmcd --config vbmc.conf --foreground 2>vbmcd.log &
daemon=$!
within 20 "connection to the hypervisor" grep -q 'is connected' vbmcd.log

say "Give libvirt a guest, from an XML file as for 'virsh define'. A BMC comes with it."
typed "export VBMC_SOCKET=$VBMC_SOCKET"
try '' vbmc define guest.xml
within 10 "a BMC for $guest" sh -c "vbmc list -f value -c Status | grep -q running"
try "$guest.* running .*127\.0\.0\.1.* $port " vbmc list

vbmc console "$guest" --log --follow >serial.log 2>/dev/null &

say "From here on it is a server with a BMC at UDP port $port. Is it on?"
ipmi 'System Power +: off' chassis status

say "Power on. QEMU starts; watch the guest come up on its serial port."
ipmi 'Up/On' chassis power on
wait_for_login 0
ipmi 'is on' chassis power status

say "The serial port over the LAN (SOL): log in, look around, leave with ~."
sol_session

say "What was said stays, and can be read afterwards. By SSH and by 'vbmc console $guest' others join in."
try 'uname -sr' vbmc console "$guest" --log --lines 8

say "It has what a server in a rack has: sensors, computed from what the guest really does ..."
ipmi 'CPU1 Temp' sdr type Temperature
ipmi 'Sys Power' sensor reading 'CPU Util' 'CPU Power' Fan1 'Sys Power'

say "... and parts that can fail. Pull the plug of a power supply, and put it back."
try '' vbmc inject "$guest" psu/1 ac-lost
ipmi 'Power Supply AC lost' sdr type 'Power Supply'
try 'cleared' vbmc inject "$guest" --clear

say "Soft shutdown presses the ACPI power button; the guest does the rest."
ipmi 'Soft' chassis power soft
within 20 "the guest's shutdown" power_is off
serial | grep -a 'ACPI power button' | sed "s/^/    ${dim}serial:${plain} /" ||
	fail "the guest did not see the power button"
ipmi 'is off' chassis power status

say "On again."
before=$(logins)
ipmi 'Up/On' chassis power on
wait_for_login "$before"

say "Power cycle: off and on again. QEMU is a new process afterwards."
before=$(logins)
ipmi 'Cycle' chassis power cycle
wait_for_login "$before"

say "Hard reset: the reset line of the same machine. The guest is not asked."
before=$(logins)
ipmi 'Reset' chassis power reset
wait_for_login "$before"

say "Boot from the network, once. Nothing happens yet, and the guest runs on ..."
stored=$(vbmc dumpxml --inactive "$guest")
ipmi 'Set Boot Device to pxe' chassis bootdev pxe
ipmi 'Force PXE' chassis bootparam get 5
within 10 "the boot override" grep -q 'boot override: network first' vbmcd.log

say "... until the next reset, by anybody. SeaBIOS has the network card first, and asks DHCP:"
before=$(logins)
asked=$(dhcp_requests)
ipmi 'Reset' chassis power reset
within 20 "the network card as SeaBIOS's first device" boots_first ethernet
show_boot_order
within 30 "a DHCP request of the network card's firmware" more_dhcp_requests "$asked"
echo "    ${dim}network:${plain} DHCP request of a PXEClient seen"

say "There is no boot server here, so that the firmware goes on to the disk."
wait_for_login "$before"

say "The override is used up: the next boot is from the disk as ever, without DHCP."
within 10 "the end of the boot override" grep -q 'override (network) used' vbmcd.log
before=$(logins)
asked=$(dhcp_requests)
ipmi 'Reset' chassis power reset
wait_for_login "$before"
show_boot_order
boots_first scsi || fail "SeaBIOS does not boot the disk first again"
more_dhcp_requests "$asked" && fail "the guest asked DHCP once more"
[[ $(vbmc dumpxml --inactive "$guest") == "$stored" ]] || fail "the stored definition has changed"

say "The BMC's identity is the domain's UUID, as libvirt prints it."
uuid=$(sed -n 's,.*<uuid>\(.*\)</uuid>.*,\1,p' <<<"$stored")
ipmi "$uuid" mc guid
[[ -n $uuid ]] || fail "the domain has no UUID"

say "Its event log has seen all of this."
ipmi 'Power Button pressed' sel elist last 30

say "And off, the hard way. The same can be done without IPMI: vbmc power $guest off"
ipmi 'Down/Off' chassis power off
within 10 "power off" power_is off
try 'off' vbmc power "$guest" status

printf '\n%sAll as it should be, after %d seconds.%s\n' "$bold" $((SECONDS - began)) "$plain"
