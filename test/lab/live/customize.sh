#!/bin/sh
# customize.sh ROOT MODULES: makes ROOT, a Debian minbase, the lab's live medium.
set -eu
root=$1 modules=$2
here=$(cd "$(dirname "$0")" && pwd)

cp -a "$modules/lib/modules" "$root/usr/lib/"
install -D -m 755 "$here/init" "$root/usr/sbin/init"
install -D -m 755 -t "$root/usr/lib/salvor-lab" "$here/agent" "$here/attach"
install -D -m 755 "$here/poweroff" "$root/usr/local/sbin/poweroff"
mkdir -p "$root/mnt"

echo lab >"$root/etc/hostname"
echo '127.0.0.1 localhost lab' >"$root/etc/hosts"
: >"$root/etc/fstab"
# A login shell starts from /etc/profile, which sets PATH anew.
echo 'PATH=/salvor/bin:$PATH' >"$root/etc/profile.d/salvor.sh"
# Pasted text and scripted typing should look alike on the console.
echo 'set enable-bracketed-paste off' >>"$root/etc/inputrc"
passwd --root "$root" --delete root >/dev/null
