#!/bin/bash
# Fails on an include that the folder table of README.md ("How it is built inside") forbids, on one
# that is not written from the top, on a file in a folder that the table does not know, and on a
# top-level entry that does not belong there. Usage: layers.sh [TOP]
set -euo pipefail

top=${1:-$(dirname "${BASH_SOURCE[0]}")/..}
cd "$top"

# What a file may include besides its own folder: prefixes of paths. `*` is everything. The longest
# entry that fits a file is the one that counts, so that single files can be named too.
declare -A may_include=(
	[vbmc/base/]=''
	[vbmc/net/]='vbmc/base/'
	[vbmc/rmcp/]='vbmc/base/ vbmc/ipmi/ vbmc/bmc/users.h vbmc/bmc/channel.h vbmc/bmc/privilege.h'
	[vbmc/rmcp/route.c]='vbmc/base/ vbmc/ipmi/ vbmc/bmc/users.h vbmc/bmc/channel.h vbmc/bmc/privilege.h sol/'
	[vbmc/ipmi/]='vbmc/base/ vbmc/bmc/'
	[vbmc/inband/]='vbmc/base/ vbmc/ipmi/'
	[vbmc/bmc/]='vbmc/base/ vbmc/host/host.h'
	[vbmc/host/]='vbmc/base/ qmp/'
	[vbmc/store/]='vbmc/base/ vbmc/bmc/'
	[vbmc/]='*'
	[qmp/]='vbmc/base/'
	[sol/]='vbmc/base/'
	[tests/]='*'
)
top_entries='Makefile README.md LICENSE vbmc qmp sol tests examples'
known_folders=$(printf '%s\n' "${!may_include[@]}" | grep '/$' | sort | xargs)
known_folder() { [[ -n ${may_include[$1/]+known} || $1 == tests/* ]]; }

offences=0
offence() {
	printf '%s: %s\n' "$1" "$2" >&2
	offences=$((offences + 1))
}

# What git knows or would take; a tree without git is taken as it is.
files() {
	git ls-files --cached --others --exclude-standard 2>/dev/null ||
		find . -path ./build -prune -o -type f -printf '%P\n'
}

# The entry of the table for a file: its own, else its folder's, else tests/ for all below it.
entry_of() {
	local file=$1
	if [[ -n ${may_include[$file]+own} ]]; then
		echo "$file"
	elif [[ $file == tests/* ]]; then
		echo tests/
	else
		echo "${file%/*}/"
	fi
}

# is_allowed INCLUDED OWN_FOLDER PREFIX...
is_allowed() {
	local included=$1 folder=$2 prefix
	shift 2
	[[ ${included%/*}/ == "$folder" ]] && return 0
	for prefix; do
		case $prefix in
		'*') return 0 ;;
		*/) [[ ${included%/*}/ == "$prefix" ]] && return 0 ;;
		*) [[ $included == "$prefix" ]] && return 0 ;;
		esac
	done
	return 1
}

check_include() {
	local file=$1 line=$2 included=$3 entry allowed
	if [[ $included == *..* || ! -f $included ]]; then
		offence "$file:$line" "\"$included\" is no path from the top; write \"folder/name.h\""
		return
	fi
	entry=$(entry_of "$file")
	allowed=${may_include[$entry]}
	local prefixes
	read -ra prefixes <<<"$allowed"
	is_allowed "$included" "${file%/*}/" "${prefixes[@]}" ||
		offence "$file:$line" "\"$included\" is not for $entry, which may include: its own folder${allowed:+ $allowed}"
}

declare -A entries_seen=()
sources=()
while IFS= read -r file; do
	[[ -e $file ]] || continue
	entries_seen[${file%%/*}]=1
	case $file in
	vbmc/* | qmp/* | sol/* | *.c | *.h)
		if ! known_folder "${file%/*}"; then
			offence "$file:1" "the folder table does not know ${file%/*}/; it knows: $known_folders"
		elif [[ $file == *.[ch] ]]; then
			sources+=("$file")
		fi
		;;
	esac
done < <(files)

for entry in "${!entries_seen[@]}"; do
	[[ $entry == .* || " $top_entries " == *" $entry "* ]] ||
		offence "$entry:1" "does not belong at the top, which holds: $top_entries and dot files"
done

[[ ${#sources[@]} -gt 0 ]] || { echo "layers.sh: no sources below $PWD" >&2; exit 1; }
while IFS=: read -r file line text; do
	[[ $text =~ \"([^\"]*)\" ]] && check_include "$file" "$line" "${BASH_REMATCH[1]}"
done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' -- "${sources[@]}" /dev/null)

if [[ $offences -gt 0 ]]; then
	echo "layers.sh: $offences found" >&2
	exit 1
fi
