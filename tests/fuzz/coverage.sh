#!/bin/bash
# Which part of the lines of the files that a fuzz target is for its inputs reach: those of its corpus
# and those that earlier runs have found. The files stand behind "Files:" at the top of the target.
# Fails if a target reaches less than 60 % of them.
# Usage: coverage.sh BUILD TARGET...
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$1
shift
profiles=$(mktemp -d)
trap 'rm -rf "$profiles"' EXIT

# files_of TARGET: one a line. A folder stands for its sources.
files_of() {
	local path
	awk '/Files:/ { reading = 1; sub(".*Files:", "") }
		reading { last = /[*][/]/; gsub("[*]/?", ""); if (!NF) exit; print; if (last) exit }' "tests/fuzz/fuzz_$1.c" | tr ' ' '\n' |
		while read -r path; do
			if [[ -d $path ]]; then ls "$path"/*.c; elif [[ -n $path ]]; then echo "$path"; fi
		done
}

failed=0
for target; do
	folders=()
	for folder in "tests/fuzz/corpus/$target" "$build/corpus/$target"; do
		[[ ! -d $folder ]] || folders+=("$folder")
	done
	if ! LLVM_PROFILE_FILE=$profiles/raw "$build/fuzz_$target" -runs=0 -timeout=20 "${folders[@]}" \
		-artifact_prefix="$build/$target-" >"$profiles/log" 2>&1; then
		tail -n 20 "$profiles/log"
		echo "$target: failed"
		failed=1
		continue
	fi
	llvm-profdata merge -sparse -o "$profiles/merged" "$profiles/raw"
	mapfile -t files < <(files_of "$target")
	# Of each row of the table: file, lines, lines missed; the total comes last.
	llvm-cov report "$build/fuzz_$target" -instr-profile="$profiles/merged" "${files[@]}" |
		awk -v target="$target" '$1 ~ /[.]c$/ || $1 == "TOTAL" {
			name = $1 == "TOTAL" ? target ", all" : "    " $1
			part = $8 ? 100 * ($8 - $9) / $8 : 0
			row = sprintf("%-44s %5d of %5d lines %6.1f %%", name, $8 - $9, $8, part)
			if ($1 == "TOTAL") { print row (part < 60 ? "  too few" : ""); low = part < 60 }
			else rows = rows row "\n"
		} END { printf "%s", rows; exit low }' || failed=1
done
exit "$failed"
