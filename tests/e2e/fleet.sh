# shellcheck shell=bash disable=SC2034,SC2154,SC2317
# For tests of many BMCs, behind functions.sh.

# fleet_node COUNT [STATE]: libvirt's test driver with that many guests, which run (STATE 1), or are off
# every other one (STATE mixed). An address for each is `addresses = 127.64.0.0/16`.
fleet_node() {
	local count=$1 state=${2:-1}
	uri=test://$dir/node.xml
	awk -v count="$count" -v state="$state" 'BEGIN {
		print "<node>"
		for (i = 1; i <= count; i++)
			printf "<domain type=\"test\" xmlns:test=\"http://libvirt.org/schemas/domain/test/1.0\">" \
				"<name>d%05d</name><uuid>00000000-0000-4000-8000-%012d</uuid><memory>1024</memory>" \
				"<os><type>hvm</type></os><devices><disk type=\"file\"><source file=\"/none\"/>" \
				"<target dev=\"vda\" bus=\"virtio\"/></disk><interface type=\"user\">" \
				"<mac address=\"52:54:00:%02x:%02x:%02x\"/></interface></devices>" \
				"<test:runstate>%d</test:runstate></domain>\n", i, i, i / 65536, i / 256 % 256, i % 256,
				state == "mixed" && i % 2 == 0 ? 5 : 1
		print "</node>"
	}' >node.xml
}

# use_sampled: daemons that are started from now on get figures of their guests (sampled.c).
use_sampled() {
	[[ -e $build/sampled.so ]] || fail "$build/sampled.so is missing: run make test-tools first"
	sampled_program=$(type -P vbmcd)
	[[ -z ${ASAN_OPTIONS:-} ]] || export ASAN_OPTIONS+=:verify_asan_link_order=0
	vbmcd() { LD_PRELOAD=$build/sampled.so exec "$sampled_program" "$@"; }
}

# cpu_ms PID: of processor time that its process has used, as finely as the scheduler has it.
cpu_ms() { cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%d", sum / 1e6 }'; }
rss_kib() { awk '/^VmRSS/ { print $2 }' /proc/"$1"/status; }
fds_of() { find /proc/"$1"/fd -mindepth 1 | wc -l; }
fleet_listens() { prints "running $1" vbmc status -f value; } # which costs the daemon little
