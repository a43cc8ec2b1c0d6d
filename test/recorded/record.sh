#!/bin/bash
# record.sh [MACHINE…]: records golden machines (all of them, if none is named) in the VM
# lab with the salvor of this tree: MACHINE.report, as somebody would send it who has the
# key (the passphrase of all machines), and for machines with a locked volume
# MACHINE-locked.report, without it.  Then write the sessions anew, and read them:
#
#   go test ./test/recorded -update
#
# The salvor in the lab is built here and handed over read-only; a report comes back on
# standard output.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT
mkdir "$share/bin"
CGO_ENABLED=0 go build -C "$here/../.." -trimpath -buildvcs=false -o "$share/bin/salvor" ./cmd/salvor

# record MACHINE FILE [OPTION…]
record() {
	local dir try status=0
	dir=$("$here/../machines/build.sh" "$1")
	# Under load an emulated machine can miss its timer's first tick, and does not boot.
	for try in 1 2 3; do
		[ "$try" = 1 ] || echo "record.sh: $1 again" >&2
		status=0
		"$here/../lab/run.sh" --machine "$dir" --share "$share" --timeout 900 \
			-c "printf 'correct horse' >/run/key; salvor report - ${3:-} | base64" | base64 -d >"$2.new" || status=$?
		[ $status != 126 ] || continue
		break
	done
	if [ $status != 0 ] || [ ! -s "$2.new" ]; then
		rm -f "$2.new"
		return 1
	fi
	mv "$2.new" "$2"
}

if [ $# -eq 0 ]; then
	for script in "$here"/../machines/?.sh; do
		set -- "$@" "$(basename "$script" .sh)"
	done
fi
for machine in "$@"; do
	# A key that does not fit costs VeraCrypt all its ways of deriving one: half an hour here.
	if grep -q VeraCrypt "$here/../machines/$machine.sh"; then
		record "$machine" "$here/$machine.report"
		continue
	fi
	record "$machine" "$here/$machine.report" "--key '*=/run/key'"
	if grep -q cryptsetup "$here/../machines/$machine.sh"; then
		record "$machine" "$here/$machine-locked.report"
	fi
done
