#!/bin/bash
# image.sh: builds the rescue image that tests boot, with salvor itself, once.
#
#   vmlinux, vmlinuz   the lab's kernel
#   initramfs          what "salvor rescue build" of this checkout makes of the lab's live medium
#
# Prints the directory that holds them; boot it with run.sh --image.  The medium is taken as a
# root that salvor knows nothing of, so that the image is one for any machine: what is in it is
# what salvor puts into it by default, and image.yaml has what only tests need.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/cache.sh"

build_image() { # SALVOR DIR
	local salvor=$1 dir=$2
	"$here/tree.sh" "$dir/tree"
	install -D -m 644 "$here/image.yaml" "$dir/tree/etc/salvor/config.yaml"
	install -D -m 755 -t "$dir/tree/usr/lib/salvor-lab" "$here/start"
	"$salvor" rescue build --root "$dir/tree" --format initramfs --output "$dir/initramfs"
	rm -r "$dir/tree"
	ln -s "$lab/vmlinux" "$lab/vmlinuz" "$dir/"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The same source has to be the same binary, for the key: nothing of git goes into it.
(cd "$here/../.." && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$work/salvor" ./cmd/salvor)
lab=$("$here/build.sh")
cached "image-$(key_of "$0" "$here/tree.sh" "$here/image.yaml" "$here/start" "$work/salvor" "=${lab##*/}")" \
	build_image "$work/salvor"
# Every change of salvor is a new image: those of other days make room.
find "$(cache_dir)" -maxdepth 1 -name 'image-*' -mtime +1 -exec rm -r {} +
