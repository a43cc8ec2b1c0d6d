#!/bin/bash
# fuzz.sh [-json] [TIME]: runs every fuzz target of the module for TIME (default 10s; or
# 2000x for a number of inputs, which a busy machine does not cut short) each,
# as many at a time as there are CPUs.  With -json the results are written as "go test
# -json" writes them, for test/tally.
#
# "go test -fuzz" takes one target at a time and uses all CPUs for it, after it has linked
# the package's tests anew.  Here they are built once a package, with the same coverage
# instrumentation, and each target gets one worker.  What a target finds is kept in its
# package's testdata/fuzz, as always.  What it learned goes on in Go's own fuzz cache, but
# not with -json: a test takes the same time however long somebody has fuzzed before it.
set -euo pipefail

json=
if [ "${1:-}" = -json ]; then
	json=1
	shift
fi
time=${1:-10s}
cd "$(dirname "$0")/.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
learned=$(go env GOCACHE)/fuzz
[ -z "$json" ] || learned=$bin/learned

# run PACKAGE TARGET, in the package's directory.
run() {
	local name=salvor/${1#./}
	local -a test=("$bin/${1//\//_}" -test.run='^$' -test.fuzz="^$2\$" -test.fuzztime="$time" -test.parallel=1
		-test.fuzzcachedir="$learned/$name" -test.paniconexit0)
	cd "$1"
	if [ -n "$json" ]; then
		# -t has the lines of several targets told apart by nothing but their package.
		go tool test2json -t -p "$name, $2 for $time" "${test[@]}" -test.v=test2json
	else
		echo "== $name $2"
		"${test[@]}"
	fi
}

# whole writes what run writes in one piece.
whole() {
	local out status=0
	out=$(run "$@" 2>&1) || status=$?
	printf '%s\n' "$out"
	return $status
}
export -f run whole
export bin time json learned

mapfile -t packages < <(grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u)
for package in "${packages[@]}"; do
	go test -c -fuzz=. -o "$bin/${package//\//_}" "$package" >&2
done
for package in "${packages[@]}"; do
	grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go | sed "s|^func |$package |"
done | xargs -P "$(nproc)" -L 1 bash -c 'whole "$@"' _
