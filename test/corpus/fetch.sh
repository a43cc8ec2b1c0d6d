#!/bin/sh
# Fetches the images that judge package ondisk: util-linux's own test images
# for libblkid, and cryptsetup's, out of Debian's source packages.
#
#   test/corpus/fetch.sh DIR
#   SALVOR_CORPUS=DIR go test ./internal/ondisk
#
# Only the images and the expected outputs are unpacked. The system's package
# sources are not changed: apt runs on a private copy inside DIR.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
apt=$dir/apt

# private_sources copies the system's sources and turns binary ones into
# source ones, in both of the formats that sources.list(5) knows.
private_sources() {
	mkdir -p "$apt/sources.list.d" "$apt/lists/partial" "$apt/cache/archives/partial"
	: >"$apt/sources.list"
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -f "$f" ] || continue
		sed -n -E 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$f" >>"$apt/sources.list"
	done
	# Of a third party's archive nothing is wanted here.
	grep -E '[[:space:]/]debian([-/[:space:]]|$)' "$apt/sources.list" >"$apt/sources.list.new" || :
	mv "$apt/sources.list.new" "$apt/sources.list"
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -f "$f" ] || continue
		grep -q -E '^URIs:.*/debian([-/]|[[:space:]]|$)' "$f" || continue
		sed -E 's/^Types:.*/Types: deb-src/' "$f" >"$apt/sources.list.d/${f##*/}"
	done
}

apt_get() {
	apt-get -q \
		-o Dir::Etc::sourcelist="$apt/sources.list" \
		-o Dir::Etc::sourceparts="$apt/sources.list.d" \
		-o Dir::State::lists="$apt/lists" \
		-o Dir::Cache="$apt/cache" \
		-o APT::Sandbox::User=root \
		"$@"
}

# source_of PACKAGE fetches the source package's files into DIR/apt/src.
source_of() {
	mkdir -p "$apt/src"
	(cd "$apt/src" && apt_get source --download-only --tar-only "$1")
}

# unpack PACKAGE PATTERN… takes the matching files out of its upstream tarball.
unpack() {
	package=$1
	shift
	rm -rf "${dir:?}/$package"
	mkdir -p "$dir/$package"
	for tarball in "$apt/src/$package"_*.orig.tar.*; do
		case $tarball in *.asc) continue ;; esac
		tar -xf "$tarball" -C "$dir/$package" --strip-components=1 --wildcards "$@"
	done
}

private_sources
apt_get update
source_of util-linux
source_of cryptsetup
unpack util-linux '*/tests/ts/blkid/images-*' '*/tests/expected/blkid/*'
unpack cryptsetup '*/tests/*.xz'
rm -rf "$apt"
echo "$dir: the corpus is there"
