#!/bin/bash
# build.sh: fetches the corpus once, into the cache, and prints where it lies.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lab/cache.sh"
cached "corpus-$(key_of "$here/fetch.sh")" "$here/fetch.sh"
