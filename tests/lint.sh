#!/bin/bash
# `make lint`: everything that finds mistakes without running the programs. One line per step, and
# below it what a failed one had to say; exit 1 if any failed.
# Usage: lint.sh COMPILER_FLAG...    the -D and -I flags that the Makefile compiles with
# Its functions are called through `step`, and bash -c gets its text unexpanded.
# shellcheck disable=SC2016,SC2317
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
flags=(-std=c11 -I. "$@")
warnings=(-Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Werror)
jobs=$(nproc)

log=$(mktemp)
pycache=$(mktemp -d)
trap 'rm -rf "$log" "$pycache"' EXIT

# Files by pattern: those that git knows or would take.
files() {
	git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r file; do
		[[ ! -f $file ]] || printf '%s\n' "$file"
	done
}
mapfile -t sources < <(files '*.c')
mapfile -t headers < <(files '*.h')
mapfile -t programs < <(files 'vbmc/*.c' 'qmp/*.c' 'sol/*.c')
mapfile -t tests < <(files 'tests/*.c')
mapfile -t pythons < <(files '*.py')
mapfile -t manuals < <(files 'examples/man/*')
# Scripts are told by their first line; the bash completion has none.
scripts() {
	local file line
	files | while IFS= read -r file; do
		line=
		IFS= read -r -n 20 line <"$file" || true
		[[ $file != *.bash && ! $line =~ ^\#!.*/(env )?(ba)?sh ]] || printf '%s\n' "$file"
	done
}
mapfile -t scripts < <(scripts)

failed=0
# step NAME COMMAND...
step() {
	local name=$1 began=$SECONDS
	shift
	if "$@" >"$log" 2>&1; then
		printf '%-13s ok (%d s)\n' "$name" $((SECONDS - began))
	else
		printf '%-13s failed\n' "$name"
		sed 's/^/    /' "$log"
		failed=1
	fi
}

# each COMMAND... -- FILE...: the command with each file as its last argument, as many at once as there
# are processors; what one has to say is kept together.
each() {
	local command=()
	while [[ $1 != -- ]]; do
		command+=("$1")
		shift
	done
	shift
	printf '%s\0' "$@" | xargs -0 -r -P "$jobs" -n 1 bash -c \
		'said=$("$@" 2>&1) && exit; printf "%s\n" "$said"; exit 1' - "${command[@]}"
}

# clang-tidy for one file, which is the last argument; without its counts of what it did not say.
tidy_one() {
	local checks=$1 file=${!#}
	set -o pipefail
	clang-tidy --quiet --checks="$checks" "$file" -- "${@:2:$#-2}" 2>&1 |
		{ grep -vE '^[0-9]+ warnings? .*generated|^Suppressed|^Use -header-filter' || true; }
}
export -f tidy_one
tidy() {
	local checks=$1
	shift
	each bash -c 'tidy_one "$@"' - "$checks" "${flags[@]}" -- "$@"
}
# A test may compare a whole structure, and knows how long its own strings are.
tests_may=-clang-analyzer-security.insecureAPI.strcpy,-clang-analyzer-optin.portability.UnixAPI
tests_may+=,-bugprone-suspicious-memory-comparison,-bugprone-too-small-loop-variable

# Not memleak: cppcheck does not see __attribute__((cleanup)) either.
check_cpp() {
	local flag defines=()
	for flag in "${flags[@]}"; do
		[[ $flag != -D* && $flag != -I. ]] || defines+=("$flag")
	done
	cppcheck --quiet -j "$jobs" --std=c11 --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 --suppress=memleak --suppress=missingIncludeSystem "${defines[@]}" \
		"${sources[@]}"
}

# What a header includes without need; iwyu does not know that json-c has one header for all.
spare_includes() {
	local file=${!#} said
	said=$(include-what-you-use "${@:1:$#-1}" -x c-header "$file" 2>&1 || true)
	! grep -E ' error: ' <<<"$said" || return 1
	said=$(sed -n '/should remove these lines/,/^The full include-list/ s/^- #include //p' <<<"$said" |
		grep -vE 'json-c/|^"(json_[a-z_]*|arraylist|debug|linkhash)[.]h"' || true)
	[[ -z $said ]] || { printf '%s does not need:\n%s\n' "$file" "$said"; return 1; }
}
export -f spare_includes
mapfile -t program_headers < <(files 'vbmc/*.h' 'qmp/*.h' 'sol/*.h')
header_check() { each bash -c 'spare_includes "$@"' - "${flags[@]}" -- "${program_headers[@]}"; }

step layers tests/layers.sh
step format clang-format --dry-run --Werror "${sources[@]}" "${headers[@]}"
step gcc each gcc "${flags[@]}" "${warnings[@]}" -fsyntax-only -- "${sources[@]}"
step clang each clang "${flags[@]}" "${warnings[@]}" -fsyntax-only -- "${sources[@]}"
step headers header_check
step cppcheck check_cpp
step shellcheck shellcheck --external-sources --source-path=SCRIPTDIR "${scripts[@]}"
step mandoc mandoc -T lint -W warning "${manuals[@]}"
step python each env PYTHONPYCACHEPREFIX="$pycache" python3 -m py_compile -- "${pythons[@]}"
step clang-tidy tidy '' "${programs[@]}"
step tidy-tests tidy "$tests_may" "${tests[@]}"
exit "$failed"
