#!/bin/bash
# clean.sh: removes what build.sh, image.sh and test/machines/build.sh have put into the cache.
set -euo pipefail

. "$(dirname "$0")/cache.sh"
cache=$(cache_dir)
for name in lab image debian machine; do
	rm -rf "$cache/$name"-* "$cache/.$name"-*.lock
done
