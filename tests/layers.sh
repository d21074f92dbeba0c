#!/bin/bash
# Fails on what the layout of vbmc/README.md ("The folders") forbids: an include that the table of
# rooms does not allow or that is not written from the top, a file in a folder that is no room, an entry
# at the top that does not belong there, rooms that need each other in a circle, and files of a room that
# do. Drivers are called by vbmc/host/ alone, and BMCs changed from outside by vbmc/service/. Which file
# needs which is known from the includes and, where $VBMC_BUILD (default: build) has objects, from the
# names in them; a call through a function pointer needs nobody.
# Usage: layers.sh [TOP]
set -euo pipefail

cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}"
objects=${VBMC_BUILD:-build}/obj

# Room: what it may include besides itself, as folders and single headers; `*` is everything.
rooms='
vbmc/base
vbmc/net vbmc/base
vbmc/host vbmc/base
vbmc/physics vbmc/base
vbmc/ssh vbmc/base
qmp vbmc/base
sol vbmc/base
sol/ssh vbmc/base
vbmc/bmc vbmc/base vbmc/host vbmc/physics/supply.h
vbmc/alert vbmc/base vbmc/bmc
vbmc/domxml vbmc/base vbmc/host
vbmc/virt vbmc/base vbmc/host vbmc/domxml vbmc/ssh qmp
vbmc/platform vbmc/base vbmc/host vbmc/bmc vbmc/physics
vbmc/store vbmc/base vbmc/bmc/sel.h vbmc/bmc/users.h
vbmc/config vbmc/base vbmc/physics vbmc/bmc/users.h vbmc/bmc/channel.h vbmc/bmc/cipher_suites.h vbmc/bmc/manufacturer.h vbmc/bmc/privilege.h vbmc/bmc/sel.h vbmc/ssh/uri.h
vbmc/control vbmc/base vbmc/bmc/privilege.h
vbmc/state vbmc/base vbmc/host/placement.h vbmc/bmc vbmc/physics vbmc/platform vbmc/store sol/solparams.h
vbmc/term vbmc/base vbmc/control/console_parser.h
vbmc/service vbmc/base vbmc/bmc vbmc/host vbmc/physics/faults.h vbmc/platform
vbmc/ipmi vbmc/base vbmc/bmc vbmc/service
vbmc/process vbmc/base vbmc/config vbmc/control/control.h vbmc/ssh/uri.h vbmc/virt/embedded.h
vbmc/cli vbmc/base vbmc/process/isolate.h vbmc/process/isolate_filter.h vbmc/process/reach.h vbmc/bmc/cipher_suites.h vbmc/config vbmc/control vbmc/physics vbmc/ssh/uri.h vbmc/ssh/known_hosts_entry.h vbmc/term
vbmc/inband vbmc/base vbmc/ipmi vbmc/bmc/channel.h vbmc/bmc/messaging.h
vbmc/rmcp vbmc/base vbmc/net/login_log.h vbmc/ipmi vbmc/bmc/users.h vbmc/bmc/channel.h vbmc/bmc/cipher_suites.h vbmc/bmc/privilege.h
vbmc/console vbmc/base vbmc/bmc vbmc/domxml/serial.h vbmc/host vbmc/config vbmc/rmcp sol vbmc/state vbmc/virt
vbmc/instance *
vbmc/fleet vbmc/base vbmc/bmc vbmc/host vbmc/net vbmc/config vbmc/console vbmc/instance vbmc/physics/facility.h vbmc/service vbmc/state vbmc/store vbmc/virt
vbmc/verbs vbmc/base vbmc/bmc vbmc/console vbmc/control vbmc/fleet vbmc/host vbmc/instance vbmc/physics vbmc/platform vbmc/service vbmc/virt sol
vbmc *
'
top_entries='Makefile README.md LICENSE vbmc qmp sol tests examples'

# What git knows or would take; a tree without git is taken as it is.
files() {
	git ls-files --cached --others --exclude-standard 2>/dev/null ||
		find . -path ./build -prune -o -type f -printf '%P\n'
}

# Lines of offences; nothing if there is none.
check_places() {
	files | awk -v rooms="$rooms" -v top="$top_entries" '
		BEGIN {
			split(rooms, rows, "\n")
			for (i in rows) if (split(rows[i], word, " ")) known[word[1]] = 1
			count = split(top, word, " ")
			for (i = 1; i <= count; i++) at_top[word[i]] = 1
		}
		{
			entry = folder = $0
			sub("/.*", "", entry)
			if (!(entry in at_top) && entry !~ /^[.]/ && !(entry in told)) {
				told[entry] = 1
				print entry ":1: does not belong at the top, which holds: " top " and dot files"
			}
			sub("/?[^/]*$", "", folder)
			if (/^(vbmc|qmp|sol)\// || (/[.][ch]$/ && !/^tests\//))
				if (!(folder in known))
					print $0 ":1: " folder "/ is no room"
		}'
}

# included: FILE:LINE:INCLUDED for each include of ours.
included() {
	xargs grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' -- <<<"$sources" |
		sed -E 's/^([^:]*):([0-9]*):[^"]*"([^"]*)".*/\1:\2:\3/'
}

check_includes() {
	awk -F: -v rooms="$rooms" '
		BEGIN {
			count = split(rooms, rows, "\n")
			for (i = 1; i <= count; i++) {
				words = split(rows[i], word, " ")
				if (!words) continue
				allowed[word[1]] = ""
				for (j = 2; j <= words; j++) {
					allowed[word[1]] = allowed[word[1]] " " word[j]
					may[word[1], word[j]] = 1
				}
			}
		}
		function folder_of(path) { sub("/?[^/]*$", "", path); return path }
		function exists(path,  line, is) {
			if (!(path in known)) { is = (getline line < path); close(path); known[path] = is >= 0 }
			return known[path]
		}
		{
			if ($3 ~ /[.][.]/ || !exists($3)) {
				print $1 ":" $2 ": \"" $3 "\" is no path from the top; write \"folder/name.h\""
				next
			}
			row = folder_of($1)
			if ($1 ~ /^tests\// || folder_of($3) == folder_of($1)) next
			if (!((row, "*") in may) && !((row, folder_of($3)) in may) && !((row, $3) in may))
				print $1 ":" $2 ": \"" $3 "\" is not for " row ", which may include:" allowed[row]
		}' <<<"$includes"
}

# check_road: the functions that README.md names on the road of a request are where it says.
check_road() {
	local file name count=0
	while read -r file name; do
		count=$((count + 1))
		grep -qsE "^[a-z].*[ *]$name\\(" "$file" || echo "README.md:1: there is no function $name in $file"
	done < <(sed -nE 's,^    ((vbmc|qmp|sol)/[a-z_/]*\.c) +([a-z0-9_]+) .*,\1 \3,p' README.md 2>/dev/null)
	[[ $count -gt 20 || ! -e README.md ]] || echo "README.md:1: the road of a request is gone"
}

# Pairs USER NEEDED: of headers and of sources, as the includes have them; of sources, without their
# endings, as the names in objects have them.
headers_need() { awk -F: '$1 ~ /[.]h$/ && $1 !~ /^tests\// { print $1, $3 }' <<<"$includes"; }
names_of_objects() {
	local object top=$PWD
	[[ -d $objects ]] || return 0
	(
		cd "$objects"
		# One that is older than its source tells what that was.
		find vbmc qmp sol -name '*.o' | while IFS= read -r object; do
			[[ $top/${object%.o}.c -nt $object ]] || printf '%s\0' "$object"
		done | xargs -0 -r nm -A
	)
}
objects_need() {
	awk '
		function is_there(file,  line) { # objects of files that have moved may be left
			if (!(file in known)) {
				known[file] = (getline line < (file ".c")) >= 0
				close(file ".c")
			}
			return known[file]
		}
		NF > 1 {
			file = $1
			sub("[.]o:.*", "", file)
			if (!is_there(file)) next
			if ($(NF - 1) == "U") users[$NF] = users[$NF] " " file
			else if ($(NF - 1) ~ /^[TDBRV]$/) maker[$NF] = file
		}
		END {
			for (name in users) if (name in maker) {
				count = split(users[name], user, " ")
				for (i = 1; i <= count; i++) if (user[i] != maker[name]) print user[i], maker[name]
			}
		}' <<<"$names" | sort -u
}

# check_needs: a file that gets a function of a forbidden room through somebody else's header needs that
# room all the same.
check_needs() {
	awk -v rooms="$rooms" '
		BEGIN {
			count = split(rooms, rows, "\n")
			for (i = 1; i <= count; i++) {
				words = split(rows[i], word, " ")
				for (j = 2; j <= words; j++) may[word[1], word[j]] = 1
			}
		}
		function folder_of(path) { sub("/?[^/]*$", "", path); return path }
		NF {
			user = folder_of($1)
			needed = folder_of($2)
			if (user != needed && !((user, "*") in may) && !((user, needed) in may) && !((user, $2 ".h") in may))
				print $1 ".c:1: calls " $2 ".c, which is not for " user
		}' <<<"$needs"
}

# circles: of the pairs that come in, those that are part of one, a line for each circle.
circles() {
	sort -u | tsort 2>&1 >/dev/null | awk '
		/input contains a loop/ { if (line) print line; line = ""; next }
		{ sub("^tsort: ", ""); line = line (line ? " " : "") $0 }
		END { if (line) print line }'
}

# within_rooms: of the pairs that come in, those of two files of one room.
within_rooms() {
	awk 'function folder_of(path) { sub("/?[^/]*$", "", path); return path }
		folder_of($1) == folder_of($2)'
}
# folders: of the pairs that come in, those of their folders. vbmc/ itself is not looked at: what wires
# everything together is there.
folders() {
	awk '{ sub("/[^/]*$", "", $1); sub("/[^/]*$", "", $2) }
		$1 != $2 && $1 != "vbmc" && $2 != "vbmc" && $1 !~ "^tests"'
}

check_circles() {
	local circle
	{ awk -F: '{ print $1, $3 }' <<<"$includes"; echo "$needs"; } | awk NF | folders | circles |
		while read -r circle; do
			echo "$circle: these rooms need each other in a circle"
		done
	{ headers_need | within_rooms | circles; within_rooms <<<"$needs" | circles; } |
		while read -r circle; do
			echo "$circle: these files of a room need each other in a circle"
		done
}

# found_in PATTERN NOT_IN WHY: lines of sources that match, outside of files that match NOT_IN.
found_in() {
	grep -Ev "$2" <<<"$sources" | { xargs grep -nHE -- "$1" || true; } | sed -E "s|^([^:]*:[0-9]*):.*|\\1: $3|"
}

# Seams: what one file, or one room, alone does.
check_seams() {
	local operations
	operations=$(awk '/^struct host_ops/,/^};/' vbmc/host/host.h |
		sed -nE 's/.*\(\*([a-z_]+)\)\(.*/\1/p' | paste -sd '|')
	found_in "(host|domain)(\(\))?(->|\.)ops->|ops->($operations)\(" '^vbmc/host/' \
		'drivers are called by the functions of vbmc/host/host.h'
	found_in '(cmp|str)\(.*"(qemu|[a-z+]*://)' '^tests/|^vbmc/(base/hypervisor_uri|ssh/uri)[.]c' \
		'vbmc/base/hypervisor_uri.h says what the URI of a hypervisor means'
	found_in '\<store_((bmcs|boot|chassis|document|owed|placement|sel|sol)_put|submit)' \
		'^tests/|^vbmc/(state|store)/' 'state is written by vbmc/state alone; report that it has changed'
	found_in 'include "vbmc/bmc/bmc[.]h"' '^tests/|^vbmc/([^b]|b[^m]|[^/]*[.][ch])|^vbmc/bmc/(bmc|sdr)[.]c' \
		'a part of the model knows struct bmc_core; only what describes the whole BMC knows struct bmc'
	found_in 'bmcset_find_uuid\(.*virt_domain_' '^tests/|^vbmc/fleet/bmcs[.]c' \
		'the BMC of a domain is fleet_bmc_of(domain), without a search'
	found_in '\<(host_(screenshot|dump)|hypervisor_(define|undefine|add_serial|change_tags))\(' \
		'^tests/|^vbmc/(host|virt|service)/|^vbmc/fleet/operations[.]c' \
		'a guest is asked for that by its row of vbmc/service/table.c'
	found_in 'restore_policy *[!=]= ' '^tests/|^vbmc/bmc/' \
		'chassis_wants_power says who is to be on when power comes back'
}

# What may call functions that change the model of a BMC besides vbmc/service/: the model itself, what
# loads stored state, and what wires a BMC; and of other files these functions.
changers='vbmc/service vbmc/bmc vbmc/platform vbmc/state vbmc/instance'
may_change='
vbmc/console/sol bmc_session_ended
vbmc/fleet/changes boot_withdraw
vbmc/fleet/changes chassis_give_up
vbmc/fleet/changes watchdog_stop
vbmc/fleet/loss chassis_give_up
vbmc/fleet/placement chassis_give_up
vbmc/fleet/restore chassis_end_restore
vbmc/fleet/restore chassis_forget_run
vbmc/fleet/restore chassis_note_power_lost
vbmc/fleet/restore chassis_restore_power
'
# They take a part of the model that they may write to, and are there for reading it.
changes_nothing='chassis_poh_minutes dcmi_power_statistics sel_reserve sdr_reserve'

# A function changes the model if the first thing it takes is a part of it, not const.
check_service_door() {
	local changing message='a BMC is changed from outside by vbmc/service alone'
	local parts='bmc|chassis|boot_options|watchdog|sel|sensors|fru|dcmi|pef|sdr_repository|users|platform|messaging|acpi|system_info'
	changing=$(cat vbmc/bmc/*.h vbmc/platform/*.h | tr '\n' ' ' | grep -oE "[a-z_]+\(struct ($parts) \*" |
		sed 's/(.*//' | sort -u | grep -vxF "${changes_nothing// /$'\n'}")
	[[ -z $names ]] ||
		awk -v changing="$changing" -v message="$message" -v changers="$changers" -v may_change="$may_change" '
			BEGIN {
				count = split(changing, name, "\n")
				for (i = 1; i <= count; i++) changes[name[i]] = 1
				count = split(changers, name, " ")
				for (i = 1; i <= count; i++) changer[name[i]] = 1
				count = split(may_change, name, "\n")
				for (i = 1; i <= count; i++) may[name[i]] = 1
			}
			$(NF - 1) == "U" && $NF in changes {
				file = room = $1
				sub("[.]o:.*", "", file)
				sub("/[^/]*$", "", room)
				if ((getline line < (file ".c")) < 0) next # has moved
				if (!(room in changer) && !((file " " $NF) in may))
					print file ".c:1: " message ": " $NF
			}' <<<"$names"
	found_in '(chassis|boot)(\.|->)[a-z_]+(\.[a-z_]+)* *[|&]?=[^=]|payload->(activate|deactivate|set_[a-z]+)\(|hooks->changed\(' \
		"^tests/|^vbmc/store/|^vbmc/fleet/(fleet|load|restore)[.]c|^(${changers// /|})/" "$message"
}

sources=$(files | grep '\.[ch]$' | while IFS= read -r file; do
	[[ ! -e $file ]] || printf '%s\n' "$file" # one that is deleted is known to git
done)
includes=$(included)
names=$(names_of_objects)
needs=$(objects_need)
offences=$(check_places; check_includes; check_needs; check_road; check_circles; check_seams; check_service_door)
if [[ -n $offences ]]; then
	printf '%s\n' "$offences" >&2
	echo "layers.sh: $(wc -l <<<"$offences") found" >&2
	exit 1
fi
