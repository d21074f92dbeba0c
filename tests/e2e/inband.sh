# shellcheck shell=bash disable=SC2034,SC2154,SC2317
# Guests that ask their own BMC as fast as they can (tests/bench/ask.c), behind functions.sh.

"$top/tests/guest/inband.sh" || skip "tests/guest/inband.sh: the guest cannot be built"
requires cpio
[[ -x $build/ask ]] || fail "$build/ask is missing: run make test-tools first"
mkdir -p asking/bin
cp "$build/ask" asking/bin/
(cd asking && find . | cpio -o -H newc 2>/dev/null) | cat "$top/build/guest-inband/initrd" - >initrd
rm -r asking

# asking_guest NAME UUID SOCKET [OPTION...]: a guest with that program; options go to sed, for its XML.
asking_guest() {
	watch_serial "$1"
	"$top/tests/guest/domain.sh" "$1" --uuid "$2" --memory 256 --nic none --serial-unix "$dir/$1.sock" \
		--inband isa-ipmi-kcs --ipmi-socket "$3" |
		sed -e "s|<initrd>.*</initrd>|<initrd>$dir/initrd</initrd>|" "${@:4}" >"$1.xml"
	define_domain "$1"
}
# asks NAME COUNT: prints what the program says.
asks() {
	mark_serial "$1"
	types "$1" "ask $2; echo \"=\$?=\""
	wait_for 300 serial_shows "$1" '^=[0-9]+='
	tail -c +$((marks[$1] + 1)) "$1.serial" | tr -d '\r' | sed -n '/^asked\|^ask:/p'
}
