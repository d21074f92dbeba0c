#!/bin/bash
# Installs the Debian or Ubuntu packages named as arguments, as far as they are missing. Says nothing
# and needs no network when all are there.
# Usage: deps.sh PACKAGE...
set -euo pipefail

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	echo "deps.sh: this system has no apt-get; install what corresponds to these Debian packages:" >&2
	printf '  %s\n' "$@" >&2
	echo "then run 'make check-run' or 'make demo-run', which install nothing." >&2
	exit 1
fi

missing=()
for package in "$@"; do
	is_installed "$package" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) != 0 ]]; then
	command -v sudo >/dev/null || {
		echo "deps.sh: run as root, or install sudo; missing: ${missing[*]}" >&2
		exit 1
	}
	as_root=(sudo)
fi
get() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		-o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"
}
install() { get install --no-install-recommends "${missing[@]}"; }

echo "Installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The package lists may be absent or older than what the mirror has now.
install >"$log" 2>&1 || { get update && install; } >"$log" 2>&1 || {
	cat "$log" >&2
	echo "deps.sh: apt-get could not install ${missing[*]}" >&2
	exit 1
}
