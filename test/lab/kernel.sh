# kernel.sh: Debian's kernel and its modules, out of their package.  Sourced, not run.

# unpack_kernel DIR: unpacks the package of Debian's stock kernel in DIR, and installs nothing.
unpack_kernel() {
	local package
	mkdir -p "$1/deb"
	package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p')
	[ -n "$package" ] || { echo "cannot find linux-image-amd64: run apt-get update" >&2; return 1; }
	# As root, apt fetches as user _apt and warns where that user cannot write.
	(cd "$1/deb" && apt-get -qq -o APT::Sandbox::User=root download "$package" && dpkg-deb -x ./*.deb "$1")
	rm -r "$1/deb"
}

# pick_modules FROM TO MODULE…: copies these modules of FROM/lib/modules and all that
# they depend on to TO/lib/modules, and indexes them.
pick_modules() {
	local from=$1 to=$2 version path
	shift 2
	version=$(ls "$from/lib/modules")
	[ -e "$from/lib/modules/$version/modules.dep" ] || depmod -b "$from" "$version"
	mkdir -p "$to/lib/modules/$version"
	cp "$from/lib/modules/$version"/modules.{builtin,order}* "$to/lib/modules/$version/"
	for module in "$@"; do
		if [ -e "$from/lib/modules/$version/kernel/$module" ]; then
			find "$from/lib/modules/$version/kernel/$module" -name '*.ko' -exec basename {} .ko \;
		else
			echo "$module"
		fi
	done |
		xargs modprobe -d "$from" -S "$version" -a --show-depends |
		sed -n "s#^insmod $from/lib/modules/$version/\([^ ]*\).*#\1#p" | sort -u |
		while read -r path; do
			install -D -m 644 "$from/lib/modules/$version/$path" "$to/lib/modules/$version/$path"
		done
	depmod -b "$to" "$version"
}
