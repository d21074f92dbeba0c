#!/bin/bash
# Adds this machine's systemd to the guest of inband.sh, which must be there: to it, feeding the watchdog is
# what RuntimeWatchdogSec= says, as in any Linux.
# Usage: inband-systemd.sh [OUTDIR]       result: OUTDIR/initrd-systemd, to be booted with rdinit=/lib/systemd/systemd
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here/../../build/guest-inband}
systemd=/lib/systemd/systemd
[[ -x $systemd ]] || { echo "inband-systemd.sh: this machine has no $systemd" >&2; exit 1; }
command -v cpio >/dev/null || { echo "inband-systemd.sh: cpio is missing" >&2; exit 1; }
[[ -s $out/initrd ]] || { echo "inband-systemd.sh: $out/initrd is missing: run inband.sh" >&2; exit 1; }
[[ ! $out/initrd-systemd -nt $out/initrd || ! $out/initrd-systemd -nt ${BASH_SOURCE[0]} ]] || exit 0

tmp=$(mktemp -d "$out/tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/root"/{lib/systemd/system,etc/systemd,usr/lib}
cd "$tmp/root"
for file in $systemd /lib/systemd/systemd-executor; do
	[[ ! -x $file ]] || cp -L "$file" lib/systemd/
done
ldd $systemd | grep -o '/[^ ]*' | while read -r library; do
	mkdir -p ".${library%/*}"
	cp -Ln "$library" ".$library"
done
printf 'NAME=guest\nID=guest\n' >etc/os-release
# systemd looks at it first, and at what has been mounted itself.
printf '%s\n' '[Manager]' 'RuntimeWatchdogSec=20' 'LogTarget=console' 'ShowStatus=no' >etc/systemd/system.conf
cat >lib/systemd/system/default.target <<-END
	[Unit]
	DefaultDependencies=no
	Requires=guest.service
END
# What rcS mounts is mounted already.
cat >lib/systemd/system/guest.service <<-END
	[Unit]
	DefaultDependencies=no
	[Service]
	Environment=PATH=/bin HOME=/root
	ExecStart=/bin/busybox sh -c '. /etc/rcS 2>/dev/null; exec /bin/sh -l'
	StandardInput=tty-force
	StandardOutput=tty
	StandardError=tty
	TTYPath=/dev/ttyS0
	Restart=always
END
find . | cpio -o -H newc 2>/dev/null >"$tmp/more"
cat "$out/initrd" "$tmp/more" >"$tmp/initrd-systemd"
mv "$tmp/initrd-systemd" "$out/"
