#!/bin/bash
# Makes the root of a Debian 12 with systemd and libvirt, in which `make soak` tries the Debian package
# (package.test boots it in QEMU). vbmc itself is not in it.
# Usage: debian.sh [OUTDIR]      result: OUTDIR/root; OUTDIR is build/debian unless it is given
# Needs root, the network, and the Debian package debootstrap; takes minutes the first time.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here/../../build/debian}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

# What vbmc depends on, and what the package test needs beside it.
packages=(systemd-sysv libpam-systemd dbus udev polkitd linux-image-cloud-amd64 initramfs-tools
	libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 seabios ipmitool
	procps iproute2 libsnmp40 libssh-4 libuv1 libjson-c5 libinih1 libedit2 libncursesw6 libseccomp2)

mkdir -p "$out"
out=$(cd "$out" && pwd)
stamp=$(sha256sum "${BASH_SOURCE[0]}" | cut -d' ' -f1)
up_to_date() { [[ -s $out/stamp && $(<"$out/stamp") == "$stamp" ]]; }
up_to_date && exit 0
command -v debootstrap >/dev/null || { echo "debian.sh: debootstrap is missing" >&2; exit 1; }
exec 9>"$out/lock"
flock 9
up_to_date && exit 0

rm -rf "$out/root"
echo "Making a Debian in $out/root"
{
	debootstrap --variant=minbase bookworm "$out/root" "$mirror"
	# Nothing of it is started here.
	printf '#!/bin/sh\nexit 101\n' >"$out/root/usr/sbin/policy-rc.d"
	chmod 755 "$out/root/usr/sbin/policy-rc.d"
	chroot "$out/root" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "${packages[@]}"
	rm "$out/root/usr/sbin/policy-rc.d"
	chroot "$out/root" apt-get clean
} >"$out/log" 2>&1 || {
	tail -n 30 "$out/log" >&2
	exit 1
}
# When it shuts down, guests are asked to do so before; those of the package test do not answer.
echo 'SHUTDOWN_TIMEOUT=5' >>"$out/root/etc/default/libvirt-guests"
tr -d - </proc/sys/kernel/random/uuid >"$out/root/etc/machine-id"
printf '%s\n' "$stamp" >"$out/stamp"
