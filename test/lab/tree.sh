#!/bin/bash
# tree.sh DIR: unpacks the lab's live medium at DIR, as the root of a system that salvor can make
# a rescue image of: with its kernel where a distribution has it.
set -euo pipefail

lab=$("$(dirname "$0")/build.sh")
unsquashfs -quiet -no-progress -no-xattrs -d "$1" "$lab/live.squashfs"
cp "$lab/vmlinuz" "$1/boot/vmlinuz-$(ls "$1/usr/lib/modules")"
