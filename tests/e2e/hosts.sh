# shellcheck shell=bash disable=SC2154 # functions.sh has the rest
# Sourced after functions.sh: several libvirtd on this machine, each a host of its own with sockets, state,
# host UUID and host name, between which the guest g1 can be migrated.
requires libvirtd virtlogd virsh

socket_of() { echo "$dir/$1/run/libvirt-sock"; }
uri_of() { echo "qemu+unix:///system?socket=$(socket_of "$1")"; }
on() { virsh -q -c "$(uri_of "$1")" "${@:2}"; } # on HOST COMMAND...

declare -A host_uuids=([a]=11111111-1111-4111-8111-11111111111a [b]=11111111-1111-4111-8111-11111111111b)

make_host() {
	local host=$dir/$1
	mkdir -p "$host"/{run,etc,lib,log,cache}
	write_qemu_conf "$host/etc" logd
	share_capabilities "$host/cache/qemu/capabilities"
	printf '%s\n' "host_uuid = \"${host_uuids[$1]}\"" 'auth_unix_rw = "none"' >"$host/etc/libvirtd.conf"
}

# run_host NAME: its libvirtd, in namespaces in which it has the machine's folders for itself.
run_host() {
	local host=$dir/$1
	mkdir -p /run/libvirt
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare --mount --uts bash -ec '
		hostname "$1"
		for pair in run:/run/libvirt etc:/etc/libvirt lib:/var/lib/libvirt log:/var/log/libvirt \
			cache:/var/cache/libvirt; do
			mount --bind "$2/${pair%%:*}" "${pair#*:}"
		done
		[[ -S /run/libvirt/virtlogd-sock ]] || virtlogd -d -p "$2/virtlogd.pid"
		LIBVIRT_LOG_OUTPUTS="3:file:$2/libvirtd.log" exec libvirtd -d -p "$2/libvirtd.pid"
	' run_host "$1" "$host"
	wait_for 60 on "$1" list
}
kill_host() {
	local pid
	pid=$(<"$dir/$1/libvirtd.pid")
	kill -KILL "$pid"
	wait_for 30 not test -e "/proc/$pid"
}

qemus() { pgrep -fc 'guest=g1,' || true; }
qemus_are() { [[ $(qemus) == "$1" ]]; }
runs_on() { [[ $(on "$1" domstate g1 2>&1) == running ]]; }
