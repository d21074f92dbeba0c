#!/bin/bash
# What package.test does inside of the Debian that debian.sh makes: there it is a unit that is started at
# every boot, with the packages to be tried beside it in /package. All it says goes to the first serial
# port; the last line is PACKAGE-TEST-PASSED or PACKAGE-TEST-FAILED.
# Everything is emulated, and QEMU in it once more: deadlines are minutes.
set -Eeuo pipefail
trap '' PIPE
exec </dev/null >/dev/ttyS0 2>&1
cd /package
export LC_ALL=C.UTF-8 HOME=/root NO_COLOR=1

on_error() {
	echo "line $1: $2"
	systemctl --no-pager --full status vbmcd
	journalctl --no-pager -b -n 60
	echo PACKAGE-TEST-FAILED
	systemctl poweroff --force
	exit 1
}
trap 'trap - ERR; set +e; on_error $LINENO "$BASH_COMMAND"' ERR

wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/package/said 2>&1; do
		((SECONDS < end)) || { cat /package/said; echo "not in time: $*"; return 1; }
		sleep 1
	done
}
not() { if "$@"; then return 1; fi; }
shown() { systemctl show -p "$1" --value vbmcd; }

ipmi() {
	local port
	port=$(vbmc list -f value -c 'Domain name' -c Port | awk -v name="$1" '$1 == name { print $2 }')
	ipmitool -I lanplus -C 17 -H 127.0.0.1 -p "$port" -U admin -f /etc/vbmc/admin.password "${@:2}"
}
power_is() { [[ $(ipmi "$1" power status) == "Chassis Power is $2" ]]; }
runs() { virsh domstate "$1" | grep -x running; }
policy_is() { ipmi "$1" chassis status | grep -q "Power Restore Policy *: $2"; }
sessions() { vbmc who -f value | grep -c admin || true; }
has_bmcs() { [[ $(vbmc list -f value -c Status | grep -c running) == 3 ]]; }
qemu_of() { pgrep -f -- "-name guest=$1,"; }

install_package() {
	echo '== installed: nothing runs before somebody is named in its configuration =='
	dpkg -i vbmc_1.0-1_*.deb
	id vbmc
	[[ $(id -nG vbmc) == *libvirt* && $(id -nG vbmc) == *tty* ]]
	[[ $(stat -c '%U:%G %a' /etc/vbmc/vbmc.conf) == 'root:vbmc 640' ]]
	not systemctl --quiet is-enabled vbmcd
	not systemctl --quiet is-active vbmcd
	systemd-analyze verify --man=no /usr/lib/systemd/system/vbmcd.service
}

configure() {
	echo '== enabled and started =='
	printf 'secret' >/etc/vbmc/admin.password
	chown vbmc /etc/vbmc/admin.password
	chmod 600 /etc/vbmc/admin.password
	printf '%s\n' '; changed by the administrator' '[user admin]' 'password-file = admin.password' >>/etc/vbmc/vbmc.conf
	# ipmitool reads the names of all enterprises whenever it starts, unless the user has such a list.
	mkdir -p /root/.local/usr/share/misc
	printf '32473\n  Example\n' >/root/.local/usr/share/misc/enterprise-numbers.txt
	systemctl enable --now vbmcd
	ps -o user,pid,args -p "$(shown MainPID)"
	systemctl --no-pager status vbmcd | head -n 5
	systemd-analyze security vbmcd --no-pager | tail -n 1 || true
}

power() {
	echo '== guests without a system, powered by ipmitool =='
	local name
	for name in always before never; do
		cat >/package/guest.xml <<-END
			<domain type='qemu'><name>$name</name><memory unit='MiB'>32</memory>
			<os><type arch='x86_64' machine='pc'>hvm</type></os>
			<devices><serial type='pty'/></devices></domain>
		END
		virsh -q define /package/guest.xml
	done
	wait_for 300 has_bmcs
	vbmc list
	for name in always before never; do
		ipmi "$name" power on
		wait_for 300 power_is "$name" on
		wait_for 120 runs "$name"
	done
	ipmi never power off
	wait_for 120 power_is never off
	ipmi never power on
	wait_for 300 power_is never on
	systemctl list-units --no-pager --no-legend 'machine-*'
}

reload() {
	echo '== reload: sessions and guests go on =='
	local pid
	pid=$(shown MainPID)
	rm -f /package/shell
	mkfifo /package/shell
	ipmi always shell </package/shell >/package/shell.out 2>&1 &
	exec 3>/package/shell
	echo 'chassis power status' >&3
	wait_for 120 grep -q 'is on' /package/shell.out
	systemctl reload vbmcd
	[[ $(shown MainPID) == "$pid" ]]
	echo 'chassis policy always-on' >&3
	wait_for 120 grep -q 'restore policy to always-on' /package/shell.out
	policy_is always always-on
	[[ $(sessions) == 1 ]]
}

# Records for the event log, numbered, each noted when it has been acknowledged, until /package/stop is there.
write_records() {
	local count=0 number
	while [[ ! -e /package/stop ]]; do
		count=$((count + 1))
		number=$(printf '0x%02x ' $((count >> 8)) $((count & 255)))
		# shellcheck disable=SC2086
		if ipmi before raw 0x0a 0x44 0 0 0xe0 0 0 0 0 0 0 0 0 0 0 0 $number >/dev/null 2>&1; then
			printf '%026x\n' $count >>/package/acknowledged
		fi
	done
}

upgrade() {
	echo '== upgraded with sessions open: clients log in again, what was acknowledged is there =='
	local pid qemu writer
	pid=$(shown MainPID) qemu=$(qemu_of always)
	ipmi before chassis policy previous
	ipmi never chassis policy always-off
	write_records &
	writer=$!
	wait_for 120 test -s /package/acknowledged
	dpkg -i vbmc_1.1-1_*.deb
	systemctl --quiet is-active vbmcd
	[[ $(shown MainPID) != "$pid" ]]
	dpkg-query -W vbmc | grep -F 1.1-1
	wait_for 120 has_bmcs
	wait_for 300 power_is always on
	touch /package/stop
	wait "$writer"
	vbmc sel before -f value -c event >/package/records
	echo "$(wc -l </package/acknowledged) records acknowledged"
	not grep -vixFf /package/records /package/acknowledged
	policy_is always always-on
	policy_is before previous
	[[ $(qemu_of always) == "$qemu" ]]
	grep -q 'changed by the administrator' /etc/vbmc/vbmc.conf
	# The session of before is over: what is asked there has no answer and no effect.
	echo 'chassis policy always-off' >&3
	wait_for 300 grep -q 'Error in Power Restore Policy command' /package/shell.out
	policy_is always always-on
	exec 3>&-
}

has_other_process_than() {
	[[ $(shown MainPID) != 0 && $(shown MainPID) != "$1" ]] && systemctl --quiet is-active vbmcd
}

watchdog() {
	echo '== a daemon that does not go on is started again by systemd, and guests live on =='
	local pid qemu began=$SECONDS
	pid=$(shown MainPID) qemu=$(qemu_of always)
	kill -STOP "$pid"
	wait_for 300 has_other_process_than "$pid"
	echo "after $((SECONDS - began)) s; restarts: $(shown NRestarts), limit of the end: $(shown TimeoutAbortUSec)"
	[[ $(shown NRestarts) == 1 && $(shown TimeoutAbortUSec) == 10s ]]
	journalctl --no-pager -b -u vbmcd | grep 'Watchdog timeout'
	wait_for 120 has_bmcs
	wait_for 300 power_is always on
	[[ $(qemu_of always) == "$qemu" ]]
}

# The last stop of each unit in the journal of the boot before; reached UNIT: which line of that it is.
stops() { journalctl --no-pager -b -1 -o cat | grep -E '^Stopp(ed|ing) (vbmcd|libvirt-guests|machine-qemu)'; }
reached() { grep -nF -- "$1" /package/stops | tail -n 1 | cut -d: -f1 || true; }

restored() {
	echo '== booted again: each guest as its policy has it =='
	# Guests that end with the machine were on until then: the daemon has ended before.
	local daemon guests scope
	stops | tee /package/stops
	daemon=$(reached 'Stopped vbmcd.service')
	guests=$(reached 'Stopping libvirt-guests.service')
	scope=$(reached 'Stopped machine-qemu')
	((daemon < guests && daemon < scope))
	wait_for 600 has_bmcs
	wait_for 600 power_is always on
	wait_for 600 power_is before on
	power_is never off
	wait_for 300 runs always
	wait_for 300 runs before
	vbmc list
	journalctl --no-pager -b -u vbmcd | grep 'host rebooted'
}

purge() {
	echo '== purged: nothing is left, and guests do not notice =='
	local qemu path
	qemu=$(qemu_of always)
	dpkg --purge vbmc
	for path in /etc/vbmc /var/lib/vbmc /var/log/vbmc /run/vbmc /usr/sbin/vbmcd \
		/usr/lib/systemd/system/vbmcd.service /etc/systemd/system/multi-user.target.wants/vbmcd.service; do
		not test -e "$path" -o -L "$path"
	done
	not systemctl cat vbmcd
	[[ $(qemu_of always) == "$qemu" ]]
	[[ $(getent shadow vbmc) == vbmc:!* ]]
}

if [[ ! -e /package/rebooted ]]; then
	for step in install_package configure power reload upgrade watchdog; do
		$step
		echo "-- $step: $SECONDS s"
	done
	touch /package/rebooted
	sync
	systemctl reboot
else
	for step in restored purge; do
		$step
		echo "-- $step: $SECONDS s"
	done
	echo PACKAGE-TEST-PASSED
	systemctl poweroff
fi
