#!/bin/bash
# debian.sh TAR PACKAGES [MMDEBSTRAP-OPTION…]: makes a small Debian 12 tree, without
# documentation, translations and package lists.  PACKAGES is a comma-separated list.
#
# It comes from the sources and with the proxy that this machine's own apt uses, in
# whatever file and format those are written, and leaves no trace of them in the tree.
set -euo pipefail

suite=bookworm
debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg # on every Debian

# sources prints this machine's apt sources for Debian in one-line form.
sources() {
	# shellcheck disable=SC2016  # these are apt's variables
	apt-get indextargets --format '$(ORIGIN) $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		while read -r origin site release component; do
			case "$origin $release" in
			"Debian $suite"*) echo "deb [signed-by=$debian_keyring] $site $release $component" ;;
			esac
		done | sort -u
}

# fetching prints this machine's apt settings for fetching: proxy, certificates, dates.
fetching() {
	apt-config dump | grep -E '^Acquire::(https?|Check-[A-Za-z-]+|Retries)' || true
}

tar=$1 packages=$2
shift 2
sources >"$tar.list"
fetching >"$tar.conf"
# shellcheck disable=SC2016  # "$1" is for the hooks' shells: the tree
mmdebstrap --quiet --variant=minbase ${packages:+"--include=$packages"} --aptopt="$tar.conf" \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/zoneinfo/*' \
	--customize-hook='rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap' \
	--customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/cache/debconf/*-old' \
	--customize-hook=': >"$1"/etc/resolv.conf; echo localhost >"$1"/etc/hostname' \
	"$@" "$suite" "$tar" "$tar.list"
rm "$tar.list" "$tar.conf"
