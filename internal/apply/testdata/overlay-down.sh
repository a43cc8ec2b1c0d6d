#!/bin/sh
# Written by salvor: the plan as shell commands, to be read, edited and run as root.
# It stops at the first command that fails, where salvor would go on with all that
# does not depend on it. Mount points are resolved by mount(8), which follows the
# symbolic links of the target; salvor resolves them inside the target.
set -eu
export LC_ALL=C

# 1. unmount /mnt/local/a $(b) 'c'
umount '/mnt/local/a $(b) '\''c'\'''

# 2. unmount /mnt/local  (after 1)
umount /mnt/local

# 3. remove the stand-in "cow-1"  (after 2)
dev=$(dmsetup table --uuid SALVOR-COW-cow-1 | cut -d ' ' -f 5)
dmsetup remove --noudevrules --noudevsync --retry --uuid SALVOR-COW-cow-1
losetup --detach "/dev/$(basename "$(readlink "/sys/dev/block/$dev")")"

# 4. set /dev/sdd writable again  (after 2 3)
blockdev --setrw /dev/sdd
