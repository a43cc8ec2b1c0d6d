#!/bin/bash
# fuzz.sh [TIME]: runs every fuzz target of the module for TIME (default 10s) each.
set -euo pipefail

time=${1:-10s}
cd "$(dirname "$0")/.."
grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r package; do
	grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go | cut -d' ' -f2 | while read -r target; do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" </dev/null
	done
done
