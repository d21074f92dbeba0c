#!/bin/bash
# Builds the guest that sees its own BMC: Debian's standard kernel, as the cloud kernel of build.sh has no
# IPMI, fetched and unpacked but never installed, with busybox and this machine's ipmitool and FreeIPMI.
# Usage: inband.sh [OUTDIR]       result: OUTDIR/vmlinux, initrd and cmdline, which QEMU boots by itself;
# guest.img, which SeaBIOS boots as build.sh's
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here/../../build/guest-inband}
mkdir -p "$out"
out=$(cd "$out" && pwd)

# Loaded by init in this order; the watchdog's is loaded by who wants it.
modules=(acpi/button input/evdev char/ipmi/ipmi_msghandler char/ipmi/ipmi_devintf char/ipmi/ipmi_si
	char/ipmi/ipmi_poweroff)
more_modules=(char/ipmi/ipmi_watchdog)
programs=(ipmitool bmc-info bmc-device ipmi-sensors ipmi-sel ipmi-config ipmi-chassis ipmi-fru ipmi-dcmi ipmi-locate)

cmdline=("console=ttyS0,115200" loglevel=4 panic=0 mitigations=off no_timer_check tsc=reliable
	nowatchdog random.trust_cpu=on cryptomgr.notests audit=0 apparmor=0 ipv6.disable=1 nokaslr)

# shellcheck source=tests/guest/kernel.sh
. "$here/kernel.sh"
stamp=$(cat "${BASH_SOURCE[0]}" "$here/kernel.sh" | sha256sum | cut -d' ' -f1)
up_to_date() { [[ -s $out/vmlinux && -s $out/initrd && -s $out/stamp && $(<"$out/stamp") == "$stamp" ]]; }

up_to_date && exit 0
for tool in xz lz4 syslinux mformat mcopy apt-get dpkg-deb "${programs[@]}"; do
	command -v "$tool" >/dev/null || { echo "inband.sh: $tool is missing" >&2; exit 1; }
done
exec 9>"$out/lock"
flock 9
up_to_date && exit 0

tmp=$(mktemp -d "$out/tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

download() {
	local kernel
	kernel=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n1)
	[[ -n $kernel ]] || return 1
	apt-get -qq -o APT::Sandbox::User=root download "$kernel" busybox-static
}
download || { apt-get -qq update && download; } || {
	echo "inband.sh: cannot fetch linux-image-amd64 and busybox-static with apt-get" >&2
	exit 1
}
for deb in ./*.deb; do
	dpkg-deb -x "$deb" unpacked
done

mkdir -p root/{bin,dev,etc/acpi/PWRF,lib/modules,proc,root,run,sys,tmp,var/log,var/run,var/cache,usr/share/misc}
cp unpacked/bin/busybox root/bin/busybox
ln -s bin/busybox root/init
drivers=$(echo unpacked/lib/modules/*/kernel/drivers)
for module in "${modules[@]}" "${more_modules[@]}"; do
	cp "$drivers/$module.ko" root/lib/modules/
done
load=
for module in "${modules[@]}"; do
	load+=" ${module##*/}"
done
# Programs with their libraries, at the same places.
for program in "${programs[@]}"; do
	file=$(command -v "$program")
	cp -L "$file" root/bin/
	ldd "$(readlink -f "$file")" | grep -o '/[^ ]*' | while read -r library; do
		mkdir -p "root${library%/*}"
		cp -Ln "$library" "root$library"
	done
done
printf '32473\n  Example Enterprise Number for Documentation Use\n' >root/usr/share/misc/enterprise-numbers.txt

printf 'root:x:0:0:root:/root:/bin/sh\n' >root/etc/passwd
printf 'root:x:0:\n' >root/etc/group
cat >root/etc/inittab <<-'EOF'
	::sysinit:/etc/rcS
	::respawn:-/bin/sh
EOF
cat >root/etc/rcS <<-EOF
	#!/bin/busybox sh
	/bin/busybox --install -s /bin
	export PATH=/bin
	mount -t devtmpfs dev /dev
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	ln -s /proc/self/fd /dev/fd
	for word in \$(cat /proc/cmdline); do
	    case \$word in ipmi_si.*) si="\$si \${word#ipmi_si.}" ;; esac
	done
	for m in$load; do
	    case \$m in ipmi_si) insmod /lib/modules/\$m.ko \$si ;; *) insmod /lib/modules/\$m.ko ;; esac
	done
	hostname guest
	acpid -l /dev/null
	until [ -e /var/run/acpid.pid ]; do usleep 20000; done
	echo 'vbmc guest: booted' >/dev/console
EOF
cat >root/etc/acpi/PWRF/00000080 <<-'EOF'
	#!/bin/sh
	echo 'ACPI power button: powering off' >/dev/console
	exec poweroff
EOF
chmod 755 root/etc/rcS root/etc/acpi/PWRF/00000080
(cd root && find . | ./bin/busybox cpio -o -H newc 2>/dev/null) >initrd

unpack_kernel
make_disk 64
printf '%s' "${cmdline[*]}" >"$out/cmdline"
mv vmlinux initrd guest.img "$out/"
printf '%s\n' "$stamp" >stamp
mv stamp "$out/stamp"
