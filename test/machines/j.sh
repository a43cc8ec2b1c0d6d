#!/bin/bash
# Machine j: locks that open by themselves.  Fedora 40 whose root the machine's TPM opens,
# and whose data a key server in the network (Tang) opens.
#
# disk 1 400M
# disk 2 1M
# needs tpm
#
#   disk1 (GPT)
#   ├─1  ext4                                          /boot
#   ├─2  LUKS2 "cr_root": passphrase, recovery key, TPM2 token of systemd-cryptenroll
#   │     └─ ext4                                      /
#   └─3  LUKS2 "cr_data": passphrase, Clevis binding to Tang at http://127.0.0.1
#         └─ ext4                                      /data
#   disk2  no disk of the machine, but what the test knows, as a tar archive: tang/ is the
#          server's database, recovery.key the recovery key
#
# passphrase: correct horse
#
# The token is bound to no PCR: the lab boots without a firmware that would measure.
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1)

partition "$d1" <<-'EOF'
	label: gpt
	label-id: A2000000-0000-4000-8000-000000000000
	size=32M,  type=L, uuid=A2000000-0000-4000-8000-000000000001
	size=256M, type=L, uuid=A2000000-0000-4000-8000-000000000002
	           type=L, uuid=A2000000-0000-4000-8000-000000000003
EOF
luks_format "${d1}2" a2000000-0000-4000-8000-0000000000c2
luks_format "${d1}3" a2000000-0000-4000-8000-0000000000c3

mkdir -p /tmp/known/tang
export PASSWORD=$passphrase # as systemd-cryptenroll(1) takes it from a program
systemd-cryptenroll --recovery-key "${d1}2" >/tmp/known/recovery.key 2>/tmp/said || { cat /tmp/said >&2; exit 1; }
systemd-cryptenroll --tpm2-device=auto --tpm2-pcrs= "${d1}2" 2>/tmp/said || { cat /tmp/said >&2; exit 1; }

/usr/libexec/tangd-keygen /tmp/known/tang
systemd-socket-activate --inetd --accept --listen 127.0.0.1:80 /usr/libexec/tangd /tmp/known/tang 2>/tmp/tang.log &
printf %s "$passphrase" | clevis luks bind -y -k - -d "${d1}3" tang '{"url":"http://127.0.0.1"}' 2>/tmp/said ||
	{ cat /tmp/said /tmp/tang.log >&2; exit 1; }
kill %1
tar -C /tmp/known -cf "$(disk 2)" tang recovery.key

luks_open "${d1}2" cr_root
luks_open "${d1}3" cr_data
mkfs.ext4 -q -U a2000000-0000-4000-8000-0000000000f1 "${d1}1"
mkfs.ext4 -q -U a2000000-0000-4000-8000-0000000000f2 /dev/mapper/cr_root
mkfs.ext4 -q -U a2000000-0000-4000-8000-0000000000f3 /dev/mapper/cr_data

mount /dev/mapper/cr_root /mnt
mkdir /mnt/boot
mount "${d1}1" /mnt/boot
make_root /mnt fedora40 jack 6.8.5-301.fc40.x86_64
cat >/mnt/etc/fstab <<-'EOF'
	/dev/mapper/cr_root                        /      ext4  defaults          1 1
	UUID=a2000000-0000-4000-8000-0000000000f1  /boot  ext4  defaults          1 2
	/dev/mapper/cr_data                        /data  ext4  defaults,_netdev  1 2
EOF
cat >/mnt/etc/crypttab <<-'EOF'
	cr_root  UUID=a2000000-0000-4000-8000-0000000000c2  none  tpm2-device=auto
	cr_data  UUID=a2000000-0000-4000-8000-0000000000c3  none  _netdev
EOF
mount_points /mnt
mount /dev/mapper/cr_data /mnt/data
echo 'from afar' >/mnt/data/note
umount -R /mnt
luks_close cr_data
luks_close cr_root
