#!/bin/bash
# Runs a fuzz target for $FUZZ_SECONDS (60), from its corpus and from what earlier runs have found.
# An input that fails is left in BUILD as TARGET-crash-..., and is one more for tests/fuzz/corpus.
# Usage: run.sh BUILD TARGET [OPTION OF LIBFUZZER...]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$1 target=$2
found=$build/corpus/$target seeds=tests/fuzz/corpus/$target
mkdir -p "$found"
options=(-timeout=20 -rss_limit_mb=2048 -artifact_prefix="$build/$target-" -print_final_stats=1 )
[[ ! -e tests/fuzz/$target.dict ]] || options+=(-dict="tests/fuzz/$target.dict")
echo "fuzzing $target for ${FUZZ_SECONDS:=60} s"
export LLVM_PROFILE_FILE=/dev/null UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
exec "$build/fuzz_$target" -max_total_time="$FUZZ_SECONDS" "${options[@]}" "${@:3}" "$found" "$seeds"
