# shellcheck shell=bash disable=SC2034,SC2119,SC2120
# Every end-to-end test begins by sourcing this file. It runs the test again inside namespaces of its
# own (processes, mounts, network), so that nothing it starts outlives it, ports never collide, no
# traffic leaves the machine, and several tests run side by side; in there it is process 1, /run and
# libvirt's directories are empty, and what it writes to $dir is kept with the test's log.
#
# A test is plain bash: each line must succeed, the first that does not ends it. It waits for
# conditions with deadlines and never sleeps a fixed time. Other work on the machine may make anything
# ten times slower: a deadline is there to end a test that fails, and is generous. What is measured, as
# users would notice it, is measured several times, and the best or the median counts.
set -euo pipefail
shopt -s inherit_errexit

top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
script=$top/tests/e2e/${0##*/}
test_name=${0##*/}
test_name=${test_name%.test}
build=${VBMC_BUILD:-build}
[[ $build == /* ]] || build=$top/$build
soak=${VBMC_SOAK:-}
# Deadlines are stretched by this factor, a whole number; the runner sets it for slow builds.
patience=${VBMC_PATIENCE:-1}

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }

# requires PROGRAM...: the test is skipped where one of them is missing.
requires() {
	local program
	for program; do
		type "$program" >/dev/null 2>&1 || skip "$program is missing"
	done
}

# ---- into the namespaces ----

requires unshare ip mount
if [[ -z ${VBMC_TEST_INSIDE:-} ]]; then
	[[ -x $build/vbmcd && -x $build/vbmc ]] || fail "$build/vbmcd is missing: run make first"
	# It may need the network, which there is none of inside; the runner has seen to it for all tests.
	[[ -n ${VBMC_GUEST_IS_BUILT:-} ]] || "$top/tests/guest/build.sh"
	[[ $(id -u) == 0 ]] || skip "namespaces need root"
	unshare --mount --net --pid --fork true 2>/dev/null || skip "no namespaces here (unshare fails)"
	kept=$build/test-logs/$test_name
	rm -rf "$kept"
	mkdir -p "$kept/home/.local/usr/share/misc"
	VBMC_TEST_INSIDE=$kept exec unshare --pid --fork --kill-child --mount-proc --mount --net \
		bash "$0" "$@"
fi
ip link set lo up
mount -t tmpfs tmpfs /run
# Serial ports as a usual system has them, which a group may type into.
mount -t devpts -o newinstance,gid=5,mode=0620,ptmxmode=0666 devpts /dev/pts
mount --bind /dev/pts/ptmx /dev/ptmx
# A short path: those of Unix sockets are limited.
dir=/run/test
# FreeIPMI caches SDRs by address below the home of the password file; each test has other BMCs there.
mkdir -p $dir /run/lock /root/.freeipmi
mount --bind "$VBMC_TEST_INSIDE" $dir
mount -t tmpfs tmpfs /root/.freeipmi
export HOME=$dir/home PATH=$build:$PATH LC_ALL=C.UTF-8
# ipmitool reads the names of all enterprises, 5 MB, whenever it starts, unless the user has such a list.
printf '32473\n  Example Enterprise Number for Documentation Use\n' >$HOME/.local/usr/share/misc/enterprise-numbers.txt
# What /proc says of a process whose system calls are filtered, which the sanitizers do not bear.
seccomp_mode=2
[[ -z ${ASAN_OPTIONS:-} ]] || seccomp_mode=0
# With the sanitizers: a leak is told by the functions of libvirt below which it was allocated.
[[ -z ${ASAN_OPTIONS:-} ]] || export ASAN_OPTIONS+=:fast_unwind_on_malloc=0 LSAN_OPTIONS=suppressions=$top/tests/e2e/leaks.txt:print_suppressions=0
unset VIRTUALBMC_CONFIG VBMC_SOCKET LIBVIRT_DEFAULT_URI XDG_CONFIG_HOME XDG_RUNTIME_DIR XDG_CACHE_HOME
cd $dir

# The user that vbmcd runs as, of this test alone.
make_daemon_user() {
	local file
	grep -v '^vbmc:' /etc/passwd >/run/passwd
	grep -v '^vbmc:' /etc/group >/run/group
	echo "vbmc:x:64900:64900::$HOME:/usr/sbin/nologin" >>/run/passwd
	echo 'vbmc:x:64900:' >>/run/group
	grep -q '^libvirt:' /run/group || echo 'libvirt:x:64901:' >>/run/group
	grep -q '^kvm:' /run/group || echo 'kvm:x:64902:' >>/run/group
	sed -i -E '/^kvm:/ { s/$/,vbmc/; s/:,/:/ }' /run/group
	for file in passwd group; do
		chmod 644 /run/$file
		mount --bind /run/$file /etc/$file
	done
}
make_daemon_user

# ---- the end ----

cleanups=()
# cleanup COMMAND...: is run when the test ends, however it does.
cleanup() { cleanups+=("$(printf '%q ' "$@")"); }

on_error() { echo "FAILED: ${BASH_SOURCE[1]##*/}:$1: $2" >&2; }
trap 'on_error $LINENO "$BASH_COMMAND"' ERR
set -E

on_exit() {
	local status=$? command
	trap - ERR
	for command in "${cleanups[@]}"; do
		eval "$command" || true
	done
	if [[ $status == 0 ]]; then
		stop_all_vbmcd || status=1
	fi
	if grep -hE 'ERROR: (Address|Leak)Sanitizer|runtime error:' $dir/*.log; then
		echo "FAILED: a sanitizer reports the above" >&2
		status=1
	fi
	exit $status
}
trap on_exit EXIT

# ---- waiting and checking ----

scaled() { echo $(($1 * patience)); }
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# Sleeping without a process: nobody writes to this pipe.
exec {nap_fd}<> <(:)
nap() { read -rt "$1" -u "$nap_fd" || true; }

# wait_for SECONDS COMMAND...: until the command succeeds; its output appears if it never does. 20 s is
# the least for what takes no time. The longer it takes, the more rarely it looks, and it sleeps at least
# as long as a look takes: what is waited for needs the processor too, and so do other tests. What holds
# for a moment only is waited for with a lower most_pause.
wait_for() {
	local seconds=$1 end looked now pauses=0 pause
	shift
	looked=${EPOCHREALTIME/./}
	end=$((looked + seconds * 1000000 * patience))
	until "$@" >$dir/wait_for.out 2>&1; do
		now=${EPOCHREALTIME/./}
		if ((now > end)); then
			cat $dir/wait_for.out >&2
			echo "FAILED: not within ${seconds} s: $*" >&2
			return 1
		fi
		case $((pauses++)) in
		?) pause=30000 ;;
		1? | 2?) pause=100000 ;;
		*) pause=250000 ;;
		esac
		pause=$((now - looked > pause ? now - looked : pause))
		pause=$((pause < most_pause ? pause : most_pause))
		printf -v pause %d.%06d $((pause / 1000000)) $((pause % 1000000))
		nap "$pause"
		looked=${EPOCHREALTIME/./}
	done
}
most_pause=500000 # us

# soon COMMAND...: the same, for what is promised to be so at once.
# were_soon MS COMMAND...: half of those before took no longer than MS beside twice what COMMAND takes,
# which waits for nothing: what the machine needs for the question itself, busy as it is.
soon_took=()
soon() {
	local begun most_pause=100000
	begun=$(now_ms)
	wait_for 20 "$@"
	soon_took+=($(($(now_ms) - begun)))
}
were_soon() {
	local limit=$1 promised
	promised=$(soon_median)
	echo "took ${soon_took[*]} ms"
	soon_took=()
	shift
	for _ in 1 2 3; do
		soon "$@"
	done
	echo "beside ${soon_took[*]} ms"
	((promised <= $(scaled "$limit") + 2 * $(soon_median)))
}
soon_median() { printf '%s\n' "${soon_took[@]}" | sort -n | sed -n "$((${#soon_took[@]} / 2 + 1))p"; }

# not COMMAND...: succeeds when the command does not ('!' would be no reason to stop for bash).
not() { if "$@"; then return 1; fi; }

# capture COMMAND...: its output, both streams, is then in $captured, and its exit status in $status. A
# shell's fork for each $(...) would be a good part of what a test costs.
capture() {
	local capture_depth=$((${capture_depth:-0} + 1)) file part=''
	file=/run/captured.$BASHPID.$capture_depth
	status=0
	"$@" >"$file" 2>&1 || status=$?
	captured=
	while IFS= read -rd '' part; do # up to a NUL
		captured+=$part
	done <"$file"
	captured+=$part
	captured=${captured%"${captured##*[!$'\n']}"}
}

# says TEXT COMMAND...: the command succeeds and its output contains TEXT.
says() { refuses 0 "$@"; }

# refuses STATUS TEXT COMMAND...: the command fails with that exit status and says TEXT.
refuses() {
	local wanted=$1 text=$2 captured status
	shift 2
	capture "$@"
	printf '$ %s\n%s\n' "$*" "$captured"
	[[ $status == "$wanted" ]] || { echo "exit status $status, not $wanted" >&2; return 1; }
	[[ $captured == *"$text"* ]] || { echo "'$text' is not in it" >&2; return 1; }
}

# prints TEXT COMMAND...: quietly, for wait_for.
prints() {
	local text=$1 captured status
	shift
	capture "$@"
	echo "$captured"
	[[ $status == 0 && $captured == *"$text"* ]]
}

# ---- libvirt ----

# The URI of the guests: of the system libvirtd after start_libvirtd, else of the embedded driver.
uri="qemu:///embed?root=$dir/embed"

# write_qemu_conf FOLDER: the test's files belong to root; guests' sockets are open to a group of the
# daemon's user; namespaces and control groups would reach outside of the test, and so would a note of
# whose a file was, which libvirt leaves on the kernel that all tests boot. Without the capability that is
# left out, libvirt asks for two properties of a new QEMU's processor instead of some hundred, for which that
# QEMU needs a second (it reads its monitor byte by byte).
write_qemu_conf() {
	mkdir -p "$1"
	printf '%s\n' 'user = "root"' 'group = "kvm"' 'security_driver = "none"' 'namespaces = []' \
		'cgroup_controllers = []' 'remember_owner = 0' 'capability_filters = ["cpu-unavailable-features"]' \
		'stdio_handler = "'"$2"'"' >"$1/qemu.conf"
}

# share_capabilities FOLDER: what libvirt has asked QEMU about itself, which takes two processes of QEMU
# for each emulator, from other tests to this one's cache, and at its end the other way. libvirt itself
# sees whether such a file is of this QEMU.
share_capabilities() {
	local shared=$build/libvirt-capabilities
	mkdir -p "$shared" "$1"
	cp -p "$shared"/*.xml "$1/" 2>/dev/null || true
	cleanup keep_capabilities "$1" "$shared"
}
keep_capabilities() {
	local file
	for file in "$1"/*.xml; do
		if [[ $file -nt $2/${file##*/} ]]; then
			cp -p "$file" "$2/$test_name.new"
			mv "$2/$test_name.new" "$2/${file##*/}"
		fi
	done
}

# drop_other_drivers: libvirtd then has that of QEMU alone. The others look at the whole machine whenever it
# starts, which takes longer than all else.
drop_other_drivers() {
	local all=(/usr/lib/*/libvirt/connection-driver)
	[[ -e ${all[0]}/libvirt_driver_qemu.so ]] || return 0 # another system's, which keeps them elsewhere
	# The file itself, as what was asked of QEMU (above) is taken for old where the driver is younger.
	mkdir /run/drivers
	true >/run/drivers/libvirt_driver_qemu.so
	mount --bind "${all[0]}/libvirt_driver_qemu.so" /run/drivers/libvirt_driver_qemu.so
	mount --rbind /run/drivers "${all[0]}"
}

run_libvirtd() { LIBVIRT_LOG_OUTPUTS=3:file:$dir/libvirtd.log libvirtd -d; }

# start_libvirtd: a system libvirtd and virtlogd of this test alone.
start_libvirtd() {
	local path
	requires libvirtd virtlogd virsh
	for path in /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
		mkdir -p $path
		mount -t tmpfs tmpfs $path
	done
	write_qemu_conf /etc/libvirt logd
	# As Debian's libvirt has it.
	printf '%s\n' 'unix_sock_group = "libvirt"' 'unix_sock_rw_perms = "0770"' 'auth_unix_rw = "none"' \
		>/etc/libvirt/libvirtd.conf
	share_capabilities /var/cache/libvirt/qemu/capabilities
	drop_other_drivers
	uri=qemu:///system
	export LIBVIRT_DEFAULT_URI=$uri
	install -d -m 755 /run/libvirt # the embedded driver leaves it closed
	virtlogd -d
	run_libvirtd
	wait_for 30 virsh list || { tail -n 20 $dir/libvirtd.log >&2; return 1; }
}
kill_libvirtd() {
	local pid
	pid=$(</run/libvirtd.pid)
	kill -KILL "$pid"
	wait_for 20 not test -e "/proc/$pid"
}

# uart_node SOCKET...: libvirt's test driver with guests g1, g2, .. that always run; their serial ports
# are the sockets, which the test serves (uart.py).
uart_node() {
	local number=0 socket
	uri=test://$dir/node.xml
	echo '<node>' >$dir/node.xml
	for socket; do
		number=$((number + 1))
		cat >>$dir/node.xml <<-END
			<domain type='test'>
			  <name>g$number</name><uuid>00000000-0000-4000-8000-00000000000$number</uuid>
			  <memory>1024</memory><os><type>hvm</type></os>
			  <devices><serial type='unix'><source mode='bind' path='$socket'/></serial></devices>
			</domain>
		END
	done
	echo '</node>' >>$dir/node.xml
}

# ---- vbmcd ----

password=secret
# Who reads a guest's serial socket himself must not find vbmcd there before him: QEMU serves one.
console_mode=
! grep -qs '^define_guest ' "$script" || console_mode=on-demand
declare -A vbmcd_pids=()

# write_config [LINE...]: $dir/vbmc.conf; the lines go below [bmc], or open sections of their own.
write_config() {
	cat >$dir/vbmc.conf <<-END
		[daemon]
		state-dir = $dir/state
		log-level = debug
		[hypervisor local]
		uri = $uri
		[user admin]
		password = $password
		[bmc]
		${console_mode:+console = $console_mode}
	END
	printf '%s\n' "$@" >>$dir/vbmc.conf
	show_daemon $dir/vbmc.conf
}
# show_daemon FILE: the daemon's user may read it, as the group.
# give_daemon FILE...: they are the daemon's, keys and other secrets.
show_daemon() { chgrp vbmc "$1"; chmod 640 "$1"; }
give_daemon() { chown vbmc: "$@"; }
# as_daemon COMMAND...: as the daemon's user, who may change limits of its process.
as_daemon() { setpriv --reuid vbmc --regid vbmc --clear-groups "$@"; }

# launch_vbmcd [CONFIG]: starts it and goes on.
launch_vbmcd() {
	local config=${1:-$dir/vbmc.conf}
	if [[ $uri == *root=$dir/embed && ! -e $dir/embed/etc/qemu.conf ]]; then
		write_qemu_conf $dir/embed/etc file
		share_capabilities $dir/embed/cache/qemu/capabilities
	fi
	vbmcd --config "$config" --foreground </dev/null >>"$dir/vbmcd.log" 2>&1 &
	vbmcd_pid=$!
	vbmcd_pids[$vbmcd_pid]=1
}
# start_vbmcd [CONFIG]: until it answers, and has its hypervisors or knows why it has not: before, all
# that it can say of a guest it knows is that it is busy.
start_vbmcd() {
	[[ -e ${1:-$dir/vbmc.conf} ]] || write_config
	launch_vbmcd "$@"
	wait_for 60 is_settled "$vbmcd_pid"
	kill -0 "$vbmcd_pid"
}
is_settled() {
	! kill -0 "$1" || hypervisors_are 'state connected' 'error *'
}
# hypervisors_are PATTERN...: each one has a line in `vbmc status` that matches one of them.
hypervisors_are() {
	local captured status line name pattern
	local -A named=() right=()
	capture vbmc status -f value
	echo "$captured"
	[[ $status == 0 ]] || return 1
	while IFS=. read -r line name; do
		[[ $line == hypervisors ]] || continue
		line=${name#*.} # NAME.PROPERTY VALUE, and the name has no dot
		name=${name%%.*}
		named[$name]=1
		for pattern; do
			# shellcheck disable=SC2053
			[[ $line != $pattern ]] || right[$name]=1
		done
	done <<<"$captured"
	[[ ${#named[@]} == "${#right[@]}" ]]
}

# use_fake_system: for the daemons that are started from now on, the time of day and the errors of the
# disk are as $dir/machine says (fake_system.py).
use_fake_system() {
	[[ -e $build/fake_system.so ]] || skip "$build/fake_system.so is missing: make $build/fake_system.so"
	faked_program=$(type -P vbmcd)
	python -c 'from fake_system import Machine; Machine("machine")'
	# A library of the sanitizers wants to be the first.
	[[ -z ${ASAN_OPTIONS:-} ]] || export ASAN_OPTIONS+=:verify_asan_link_order=0
	vbmcd() {
		LD_PRELOAD=$build/fake_system.so VBMC_FAKE_SYSTEM=$dir/machine exec "$faked_program" "$@"
	}
}

stop_vbmcd() {
	local pid=${1:-$vbmcd_pid} status=0
	unset "vbmcd_pids[$pid]"
	kill -TERM "$pid"
	wait_for 30 is_over "$pid" || { kill -KILL "$pid"; return 1; }
	wait "$pid" || status=$?
	[[ $status == 0 ]] || { echo "vbmcd ended with status $status" >&2; return 1; }
}
kill_vbmcd() {
	unset "vbmcd_pids[$vbmcd_pid]"
	kill -KILL "$vbmcd_pid"
	wait "$vbmcd_pid" || true
}
is_over() {
	local stat
	! { read -r stat </proc/"$1"/stat; } 2>/dev/null || [[ ${stat##*) } == Z* ]]
}
stop_all_vbmcd() {
	local pid
	for pid in "${!vbmcd_pids[@]}"; do
		stop_vbmcd "$pid" || return 1
	done
}

# ---- guests ----

# define_guest NAME [OPTION...]: the guest of tests/guest/domain.sh, watched: all of its serial output
# is in NAME.serial, SeaBIOS's log in NAME.bios, its network traffic in NAME.pcap.
define_guest() {
	local name=$1
	shift
	watch_serial "$name"
	"$top/tests/guest/domain.sh" "$name" --serial-unix "$dir/$name.sock" \
		--seabios-log "$dir/$name.bios" --pcap "$dir/$name.pcap" "$@" >"$name.xml"
	define_domain "$name"
}
# define_idle_guest NAME [OPTION...]: has nothing to boot and costs no time.
define_idle_guest() {
	local name=$1
	shift
	truncate -s 1M "$dir/$name.raw" # QEMU locks it
	"$top/tests/guest/domain.sh" "$name" --memory 32 --nic none --disk "$dir/$name.raw" "$@" >"$name.xml"
	define_domain "$name"
}
define_domain() {
	if [[ $uri == qemu:///system ]]; then
		virsh -q define "$1.xml"
	else
		wait_for 30 is_connected
		vbmc define "$1.xml"
	fi
}

is_connected() { hypervisors_are 'state connected'; }

watch_serial() {
	[[ -z ${watched[$1]:-} ]] || return 0
	watched[$1]=1
	/usr/bin/python3 "$top/tests/guest/console.py" "$dir/$1.sock" --log "$dir/$1.serial" \
		--fifo "$dir/$1.fifo" &
}
# watch_console NAME [OPTION...]: the same by the daemon's control socket, with its notices (see
# console_frames.py), until the daemon ends; options go to the client.
watch_console() {
	rm -f "$dir/$1.fifo"
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$top/tests/e2e/console_frames.py" "$1" \
		--log "$dir/$1.serial" --fifo "$dir/$1.fifo" "${@:2}" &
	console_pid=$!
	wait_for 20 test -p "$dir/$1.fifo"
}
declare -A watched=() marks=()

# mark_serial NAME: from here on, serial_shows looks only at what comes new.
mark_serial() { marks[$1]=$(stat -c %s "$dir/$1.serial" 2>/dev/null || echo 0); }
serial_shows() {
	if [[ ${marks[$1]:-0} == 0 ]]; then
		grep -aqE -- "$2" "$dir/$1.serial"
	else
		tail -c +$((marks[$1] + 1)) "$dir/$1.serial" | grep -aqE -- "$2"
	fi
}
# boots NAME: the guest's login prompt is there, of a kernel that has started since mark_serial.
boots() {
	wait_for 180 serial_shows "$1" 'vbmc guest: booted'
	wait_for 60 serial_shows "$1" 'login: *$'
}
# types NAME TEXT: at the guest's serial console.
types() { printf '%s\n' "$2" >"$dir/$1.fifo"; }

# log_in NAME: as root at the serial console.
log_in() {
	mark_serial "$1"
	types "$1" root
	wait_for 60 serial_shows "$1" Password
	types "$1" vbmc
	wait_for 60 serial_shows "$1" '~ # '
}

# freeze NAME: its only processor runs on the spot with interrupts off, until the guest is reset. To be seen
# from outside it stands still for a moment and goes on.
freeze() {
	local gdb
	gdb=$dir/$1.gdb.$(virsh domid "$1")
	# QEMU can be asked for it once.
	[[ -S $gdb ]] || virsh -q qemu-monitor-command --hmp "$1" "gdbserver unix:$gdb,server=on,wait=off"
	python "$top/tests/e2e/freeze_guest.py" "$gdb"
	wait_for 30 prints running virsh domstate "$1"
}

# boot_devices NAME: what SeaBIOS has tried since it last came up, in order; 'ROM' is the network.
# Only what it has logged since mark_bios counts.
boot_devices() {
	tail -c +$((${bios_marks[$1]:-0} + 1)) "$dir/$1.bios" | awk '
		/^enter handle_19/ { tried = "" }
		/^Booting from [A-Z].*[.][.][.]/ {
			sub("^Booting from ", ""); sub("[.][.][.].*", ""); tried = tried $0 " "
		}
		END { print tried }'
}
first_device_is() { [[ $(boot_devices "$1") == "$2 "* ]]; }
mark_bios() { bios_marks[$1]=$(stat -c %s "$dir/$1.bios" 2>/dev/null || echo 0); }
declare -A bios_marks=()
# dhcp_requests NAME: how many there were since QEMU's start.
dhcp_requests() { python "$top/tests/e2e/pcap.py" "$dir/$1.pcap"; }

# ---- IPMI clients ----

port=6230
suite=17

ipmi() {
	ipmitool -I lanplus -C "$suite" -H 127.0.0.1 -p "$port" -U admin -P "$password" "$@"
}
# FreeIPMI's tools, without any -W.
freeipmi() {
	local tool=$1
	shift
	"$tool" -D LAN_2_0 -I "$suite" -l admin -h "127.0.0.1:$port" -u admin -p "$password" "$@"
}
# starts NAME: how often QEMU has been started for the guest.
starts() {
	local log=/var/log/libvirt/qemu/$1.log
	[[ $uri == qemu:///system ]] || log=${uri#*root=}/log/qemu/$1.log
	grep -c 'starting up libvirt' "$log" || true
}
started_times() { [[ $(starts "$1") == "$2" ]]; }
# port_of NAME: of its BMC. property NAME PROPERTY: as vbmc show has it. reading NAME SENSOR: a number, or
# nothing. (jq would need more time than vbmc.)
port_of() { vbmc list -f csv | awk -F, -v name="\"$1\"" '$1 == name { print $4 }'; }
property() { vbmc show "$1" -f value | awk -v name="$2" '$1 == name { sub("^[^ ]* ", ""); print }'; }
reading() { vbmc sensors "$1" -f csv | awk -F, -v name="\"$2\"" '$2 == name { print $4 }'; }
power_is() { prints "Chassis Power is $1" ipmi chassis power status; }
python() { PYTHONPATH=$top/tests/e2e PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$@"; }
