#!/bin/bash
# record.sh [MACHINE…]: in the VM lab, opens golden machines by plain commands, mounts them
# as they run, and keeps in testdata/MACHINE what two programs say of them, at the same
# time and from inside a chroot: "salvor report", and "rear savelayout" of Debian's ReaR.
# Then truth_test.go, which needs no VM, compares them.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT
mkdir "$share/bin"
CGO_ENABLED=0 go build -C "$here/../.." -trimpath -buildvcs=false -o "$share/bin/salvor" ./cmd/salvor
cp "$("$here/build.sh")/rear.squashfs" "$here/open.sh" "$here/inside.sh" "$share/"

# inside MACHINE prints what is done in the lab. Its standard output is the archive.
inside() {
	cat <<-END
		exec 3>&1 >&2
		set -e
		/salvor/open.sh $1
		cp /salvor/bin/salvor /run/salvor-recorded
		/salvor/inside.sh /run/salvor-recorded report /run/machine.report
		/salvor/inside.sh rear savelayout
		mkdir /run/record
		cp -r /mnt/local/var/lib/rear/layout /mnt/local/var/lib/rear/recovery /run/machine.report /run/record
		tar -C /run/record -cz . | base64 >&3
	END
}

if [ $# -eq 0 ]; then
	set -- a b c d
fi
for machine in "$@"; do
	rm -rf "$here/testdata/$machine"
	mkdir -p "$here/testdata/$machine"
	"$here/../lab/run.sh" --machine "$("$here/../machines/build.sh" "$machine")" --share "$share" --timeout 1500 \
		-c "$(inside "$machine")" | base64 -d | tar -C "$here/testdata/$machine" -xz
done
