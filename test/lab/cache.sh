# cache.sh: where built things lie, and under which key.  Sourced, not run.
#
# Everything that is built lies in CACHE/<name>-<key>/, where the key is a hash of
# the files that it is made of.  A changed script is a new key, so nothing is ever
# stale, and two checkouts can share one cache.  The cache is never inside the
# repository: its images are large, and tests must not find them by accident.

# A builder must stop at its first failure even inside $(…).
shopt -s inherit_errexit

# cache_dir prints the cache: $SALVOR_CACHE, else the user's, else the machine's.
cache_dir() {
	if [ -n "${SALVOR_CACHE:-}" ]; then
		echo "$SALVOR_CACHE"
	elif [ "$(id -u)" = 0 ] && [ -z "${XDG_CACHE_HOME:-}" ]; then
		echo /var/cache/salvor
	else
		echo "${XDG_CACHE_HOME:-$HOME/.cache}/salvor"
	fi
}

# key_of FILE|DIR|=WORD… prints the key of these inputs: file names count as well as bytes.
key_of() {
	local input file
	for input in "$@"; do
		case $input in
		=*) printf 'word %s\n' "${input#=}" ;;
		*) find "$input" -type f | LC_ALL=C sort | while IFS= read -r file; do
			printf 'file %s %s\n' "$(basename "$file")" "$(sha256sum <"$file")"
		done ;;
		esac
	done | sha256sum | cut -c1-16
}

# cached NAME-KEY BUILDER… prints the directory of that name, after building it if
# it is not there: BUILDER is called with an empty directory as its last argument,
# which gets its final name only after BUILDER came back with success.  A failed
# build is kept as …-failed for a look.  stdout of BUILDER goes to stderr.
cached() (
	name=$1
	shift
	cache=$(cache_dir)
	mkdir -p "$cache"
	# Two makes at once must not build the same thing twice.
	exec 9>"$cache/.$name.lock"
	flock 9
	if [ ! -d "$cache/$name" ]; then
		work=$cache/$name-failed
		rm -rf "$work"
		mkdir -p "$work"
		started=$SECONDS
		echo "$name: building (once; kept in $cache)" >&2
		# Not in a condition: there, bash ignores errexit inside the builder.
		"$@" "$work" >&2
		mv -T "$work" "$cache/$name"
		echo "$name: built in $((SECONDS - started)) s" >&2
	fi
	echo "$cache/$name"
)
