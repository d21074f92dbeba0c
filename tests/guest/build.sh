#!/bin/bash
# Builds the real Linux guest that the demo and the end-to-end tests boot: Debian's cloud kernel and
# busybox, both fetched and unpacked but never installed, on a FAT disk that SeaBIOS boots.
# Usage: build.sh [OUTDIR]        result: OUTDIR/guest.img (read-only use is enough, it runs from RAM);
# and vmlinux, initrd and cmdline, which QEMU boots without firmware's and boot loader's help
# Needs the Debian packages syslinux, mtools and lz4.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here/../../build/guest}
mkdir -p "$out"
out=$(cd "$out" && pwd)

# Loaded by init in this order. The serial driver is built into this kernel; it has no e1000 and no IPMI.
modules=(acpi/button input/evdev
	virtio/virtio_ring virtio/virtio virtio/virtio_pci_legacy_dev virtio/virtio_pci_modern_dev
	virtio/virtio_pci block/virtio_blk
	virtio/virtio_balloon char/virtio_console          # memory figures, guest agent's port
	misc/pvpanic/pvpanic misc/pvpanic/pvpanic-mmio) # panics

# The left-outs are what costs seconds under plain emulation: calibration, mitigations, self tests, and
# what begins parts of the kernel that no test is about (tracing, integrity, checksums).
cmdline=("console=ttyS0,115200" loglevel=4 panic=0 mitigations=off no_timer_check tsc=reliable
	nowatchdog random.trust_cpu=on cryptomgr.notests audit=0 apparmor=0 ipv6.disable=1 noreplace-smp
	"initcall_blacklist=init_kprobes,init_kprobe_trace,event_trace_init,tracer_init_tracefs,init_trace_printk_function_export,cubictcp_register,dev_map_init,crypto_kdf108_init,load_system_certificate_list,platform_keyring_init,init_ima,init_evm,init_encrypted,hugetlb_init,msr_init,crc_t10dif_mod_init,crc64_rocksoft_mod_init")

# shellcheck source=tests/guest/kernel.sh
. "$here/kernel.sh"
stamp=$(cat "${BASH_SOURCE[0]}" "$here/kernel.sh" | sha256sum | cut -d' ' -f1)
up_to_date() { [[ -s $out/guest.img && -s $out/vmlinux && -s $out/stamp && $(<"$out/stamp") == "$stamp" ]]; }

up_to_date && exit 0
for tool in syslinux mformat mcopy lz4 apt-get dpkg-deb; do
	command -v "$tool" >/dev/null || { echo "build.sh: $tool is missing (packages: syslinux mtools lz4)" >&2; exit 1; }
done
exec 9>"$out/lock"
flock 9
up_to_date && exit 0

tmp=$(mktemp -d "$out/tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

kernel_package() {
	apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n1
}
download() {
	local kernel
	kernel=$(kernel_package)
	[[ -n $kernel ]] || return 1
	apt-get -qq -o APT::Sandbox::User=root download "$kernel" busybox-static
}
# The lists may be absent or name a version that the mirror no longer has.
download || { apt-get -qq update && download; } || {
	echo "build.sh: cannot fetch linux-image-cloud-amd64 and busybox-static with apt-get" >&2
	exit 1
}
for deb in ./*.deb; do
	dpkg-deb -x "$deb" unpacked
done

mkdir -p root/{bin,dev,etc/acpi/PWRF,lib/modules,proc,root,run,sys,tmp,var/log,var/run}
cp unpacked/bin/busybox root/bin/busybox
ln -s bin/busybox root/init
drivers=$(echo unpacked/lib/modules/*/kernel/drivers)
load=
for module in "${modules[@]}"; do
	cp "$drivers/$module.ko" root/lib/modules/
	load+=" ${module##*/}"
done

printf 'root:x:0:0:root:/root:/bin/sh\n' >root/etc/passwd
printf 'root:x:0:\n' >root/etc/group
printf 'root:%s:19000:0:99999:7:::\n' "$(root/bin/busybox mkpasswd -m md5 vbmc vbmcsalt)" >root/etc/shadow
cat >root/etc/inittab <<-'END'
	::sysinit:/etc/rcS
	::respawn:/bin/getty -L 115200 ttyS0 vt100
END
cat >root/etc/rcS <<-END
	#!/bin/busybox sh
	/bin/busybox --install -s /bin
	export PATH=/bin
	mount -t devtmpfs dev /dev
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	for m in$load; do insmod /lib/modules/\$m.ko; done
	name=guest
	for word in \$(cat /proc/cmdline); do
	    case \$word in hostname=*) name=\${word#hostname=} ;; esac
	done
	hostname "\$name"
	acpid -l /dev/null
	until [ -e /var/run/acpid.pid ]; do usleep 20000; done
	echo 'vbmc guest: booted' >/dev/console
END
cat >root/etc/acpi/PWRF/00000080 <<-'END'
	#!/bin/sh
	echo 'ACPI power button: powering off' >/dev/console
	exec poweroff
END
chmod 755 root/etc/rcS root/etc/acpi/PWRF/00000080
(cd root && find . | ./bin/busybox cpio -o -H newc 2>/dev/null) | gzip -9 >initrd

make_disk 32
unpack_kernel
gzip -dc initrd >initrd.unpacked
mv initrd.unpacked "$out/initrd"
printf '%s' "${cmdline[*]} nokaslr" >"$out/cmdline"
mv vmlinux guest.img "$out/"
printf '%s\n' "$stamp" >stamp
mv stamp "$out/stamp"
