#!/bin/bash
# Builds the Debian package of the programs that were built: `make deb` calls it.
# Usage: build.sh BUILD VERSION [OUTDIR]     result: OUTDIR/vbmc_VERSION_ARCHITECTURE.deb
# OUTDIR is BUILD unless it is given. Needs dpkg-dev and binutils, and no root.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(realpath "$1") version=$2 out=$(realpath "${3:-$1}")
architecture=$(dpkg --print-architecture)
umask 022
work=$(mktemp -d "$build/deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root

# As `make install` has it, in Debian's places. Only what it installs: the programs exist.
make -s -C "$here/../.." BUILD="$build" DESTDIR="$root" PREFIX=/usr install-files
strip --strip-unneeded "$root/usr/sbin/vbmcd" "$root/usr/bin/vbmc"
gzip -9n "$root"/usr/share/man/man*/*
mkdir -p "$root/usr/share/zsh/vendor-completions"
mv "$root/usr/share/zsh/site-functions/_vbmc" "$root/usr/share/zsh/vendor-completions/_vbmc"
rmdir "$root/usr/share/zsh/site-functions"

# The configuration as installed names nobody: there is no password before the administrator has
# written one.
install -d -m 750 "$root/etc/vbmc"
sed -E '/^\[user admin\]/,/^$/ s/^([^;])/;\1/' "$here/../vbmc.conf" >"$root/etc/vbmc/vbmc.conf"
chmod 640 "$root/etc/vbmc/vbmc.conf"
install -D -m 644 "$here/sysusers.conf" "$root/usr/lib/sysusers.d/vbmc.conf"
install -D -m 644 "$here/tmpfiles.conf" "$root/usr/lib/tmpfiles.d/vbmc.conf"
install -D -m 644 "$here/polkit.rules" "$root/usr/share/polkit-1/rules.d/60-vbmc.rules"
install -m 644 "$here/copyright" "$root/usr/share/doc/vbmc/copyright"
mkdir "$root/usr/share/doc/vbmc/examples"
mv "$root/usr/share/doc/vbmc/vbmc.conf" "$root/usr/share/doc/vbmc/examples/vbmc.conf"
install -m 644 "$here"/../{domain.xml,conman.conf,conserver.cf,recipes.md,standby.md} "$root/usr/share/doc/vbmc/examples/"
install -D -m 644 -t "$root/usr/share/doc/vbmc/examples/standby" "$here"/../standby/*
sed "s/@VERSION@/$version/" "$here/changelog" | gzip -9n >"$root/usr/share/doc/vbmc/changelog.Debian.gz"
chmod 644 "$root/usr/share/doc/vbmc/changelog.Debian.gz"

install -D -m 644 "$here/lintian-overrides" "$root/usr/share/lintian/overrides/vbmc"

# dpkg-shlibdeps looks for debian/control where it runs.
mkdir "$work/debian"
printf 'Source: vbmc\n\nPackage: vbmc\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O -e"$root/usr/sbin/vbmcd" -e"$root/usr/bin/vbmc" 2>/dev/null)
size=$(du -ks "$root" | cut -f1)
mkdir "$root/DEBIAN"
sed -e "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$size/" \
	-e "s/@DEPENDS@/${depends#shlibs:Depends=}/" "$here/control" >"$root/DEBIAN/control"
install -m 644 "$here/conffiles" "$root/DEBIAN/conffiles"
install -m 755 "$here"/{postinst,prerm,postrm} "$root/DEBIAN/"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/vbmc_${version}_$architecture.deb"
