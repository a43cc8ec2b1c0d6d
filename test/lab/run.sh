#!/bin/bash
# run.sh: boots the VM lab, or salvor's rescue image, with the given disks, for people and
# for building machines.
#
#   run.sh [OPTION…]              a root shell in the lab, on this terminal
#   run.sh [OPTION…] SCRIPT       runs the file SCRIPT in the lab with bash and ends
#   run.sh [OPTION…] -c COMMANDS  the same with COMMANDS
#
#   --disk FILE[,KEY=VALUE…]   a disk: raw, or qcow2 if FILE ends so; in this order sda, sdb…
#         serial=S             default: lab1, lab2…
#         model=M              default: salvor-lab (SCSI only)
#         wwn=0x…              default: 0x5000c500000000NN, NN counting (SCSI only)
#         bus=scsi|virtio|nvme default: scsi, because only there model and WWN exist
#   --tpm DIR                  a TPM 2.0, by swtpm, which keeps its state in DIR
#   --machine DIR              all disks of a built machine, and its TPM if it has one (see
#                              test/machines); implies --snapshot
#   --snapshot                 nothing that is written to the disks and the TPM is kept
#   --share DIR                seen read-only at /salvor in the lab; /salvor/bin is in PATH: first in
#                              the lab's own, last in an image, which has a salvor of its own
#   --image DIR                salvor's rescue image, which image.sh has built, in place of
#                              the lab's own live medium
#   --auto                     a live medium that opens arrays and VGs by itself: the lab's own
#   --append WORDS             more words for the kernel's command line
#   --memory MB                default 1024
#   --sockets DIR              no terminal: the console and the control channel are the
#                              sockets DIR/console and DIR/control (for test/scenarios)
#   --timeout SECONDS          how long SCRIPT may take, boot included; default 600
#
# With a script, its output and exit status are this program's; 126: the lab did not
# answer, and its console is shown.  Its end is the end of the lab, as if the plug were
# pulled: what SCRIPT left mounted and dirty stays so on the disks.
#
# The emulator is QEMU's TCG, everywhere: KVM is not to be had, or hangs, on many
# machines that run tests, and a test should not depend on it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
memory=1024 timeout=600 append='' image='' share='' snapshot='' script='' sockets='' tpm='' disks=0 targets=0
# shellcheck disable=SC2054  # the commas are QEMU's
qemu=(
	qemu-system-x86_64 -accel tcg,thread=multi,tb-size=256 -machine q35,sata=off,smbus=off -cpu max,la57=off -smp 2
	-nodefaults -no-user-config -display none -no-reboot
	-device virtio-rng-pci -device virtio-scsi-pci,id=scsi -device virtio-serial-pci
)

die() {
	echo "run.sh: $*" >&2
	exit 126
}

add_disk() { # FILE[,KEY=VALUE…]
	local file=${1%%,*} format=raw bus=scsi model=salvor-lab wwn serial pair
	local -a pairs=()
	[[ $1 != *,* ]] || IFS=, read -ra pairs <<<"${1#*,}"
	disks=$((disks + 1))
	serial=lab$disks wwn=$(printf '0x5000c500000000%02x' "$disks")
	for pair in ${pairs[@]+"${pairs[@]}"}; do
		case $pair in
		serial=* | model=* | wwn=* | bus=*) declare "$pair" ;;
		*) die "--disk $1: unknown key: $pair" ;;
		esac
	done
	[ -f "$file" ] || die "--disk $1: no such file"
	[[ $file != *.qcow2 ]] || format=qcow2
	# cache=unsafe: a flush of the guest costs nothing; QEMU's own end keeps all data.
	qemu+=(-drive "if=none,id=disk$disks,format=$format,file=$file,cache=unsafe,discard=unmap,detect-zeroes=unmap")
	case $bus in
	scsi)
		targets=$((targets + 1)) # without gaps: see live/attach
		qemu+=(-device "scsi-hd,bus=scsi.0,scsi-id=$targets,drive=disk$disks,vendor=SALVOR,product=$model,serial=$serial,wwn=$wwn")
		;;
	virtio) qemu+=(-device "virtio-blk-pci,drive=disk$disks,serial=$serial") ;;
	nvme) qemu+=(-device "nvme,drive=disk$disks,serial=$serial") ;;
	*) die "--disk $1: unknown bus: $bus" ;;
	esac
}

# add_tpm STATE: starts a TPM and plugs it in.  It dies with this process, even where that
# has become QEMU.  What it is told to keep it keeps at once: no end is too early for it.
add_tpm() {
	local state=$1 socket=$work/tpm.socket pid
	if [ -n "$snapshot" ]; then
		cp -r "$state" "$work/tpm.copy"
		state=$work/tpm.copy
	fi
	setpriv --pdeathsig KILL swtpm socket --tpm2 --tpmstate "dir=$state" --ctrl "type=unixio,path=$socket" >"$work/tpm.log" 2>&1 &
	pid=$!
	until [ -S "$socket" ]; do
		kill -0 $pid 2>/dev/null || die "the TPM does not start: $(cat "$work/tpm.log")"
		sleep 0.05
	done
	# shellcheck disable=SC2054  # the commas are QEMU's
	qemu+=(-chardev "socket,id=tpm,path=$socket" -tpmdev emulator,id=tpm,chardev=tpm -device tpm-tis,tpmdev=tpm)
}

while [ $# -gt 0 ]; do
	case $1 in
	--disk) add_disk "$2"; shift ;;
	--tpm) tpm=$2; shift ;;
	--machine)
		# "disks" lists FILE[,KEY=VALUE…], one a line.
		while read -r disk; do add_disk "$2/$disk"; done <"$2/disks"
		[ ! -d "$2/tpm" ] || tpm=$2/tpm
		snapshot=1
		shift
		;;
	--snapshot) snapshot=1 ;;
	--share) share=$2; shift ;;
	--image) image=$2; shift ;;
	--auto) append="$append lab.auto=1" ;;
	--append) append="$append $2"; shift ;;
	--memory) memory=$2; shift ;;
	--sockets) sockets=$2; shift ;;
	--timeout) timeout=$2; shift ;;
	-c) script=$2; shift ;;
	-h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit ;;
	-*) die "unknown option: $1" ;;
	*) script=$(cat "$1") ;;
	esac
	shift
done

# What boots: the image, whose init runs the lab's part when it is ready, or the lab's own
# live medium.  Beside an unpacked kernel QEMU puts the initrd where the ACPI tables lie, if those are
# as large as a TPM makes them; what starts a packed one makes room.
kernel=vmlinux
[ -z "$tpm" ] || kernel=vmlinuz
if [ -n "$image" ]; then
	qemu+=(-kernel "$image/$kernel" -initrd "$image/initramfs")
	append="$append salvor.run=/usr/lib/salvor-lab/start salvor.then=stay"
else
	lab=$("$here/build.sh")
	qemu+=(
		-kernel "$lab/$kernel" -initrd "$lab/initrd"
		-drive "if=none,id=live,format=raw,readonly=on,file=$lab/live.squashfs"
		-device "virtio-blk-pci,drive=live,serial=salvor-live"
	)
fi

# Most words are for speed in an emulator: no self tests, no mitigations.  no_timer_check: on a host that has
# too much to do, the kernel may find its timer late, and panics.  scan=manual: see live/attach.
qemu+=(-m "$memory" -append "console=ttyS0 panic=-1 quiet mitigations=off cryptomgr.notests nokaslr random.trust_cpu=on tsc=reliable no_timer_check scsi_mod.scan=manual$append")
[ -z "$snapshot" ] || qemu+=(-snapshot)
[ -z "$share" ] || qemu+=(-virtfs "local,path=$share,mount_tag=share,security_model=none,readonly=on")

work=$sockets
if [ -z "$work" ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi
[ -z "$tpm" ] || add_tpm "$tpm"

if [ -n "$sockets" ]; then
	exec "${qemu[@]}" -serial "unix:$sockets/console,server=on,wait=off" \
		-chardev "socket,id=control,path=$sockets/control,server=on,wait=off" \
		-device virtserialport,chardev=control,name=org.salvor.lab
fi

if [ -z "$script" ]; then
	echo "run.sh: to leave the lab: poweroff (or ctrl-a x)" >&2
	"${qemu[@]}" -serial mon:stdio
	exit
fi

mkfifo "$work/control.in" "$work/control.out"
"${qemu[@]}" -serial "file:$work/console" -chardev "pipe,id=control,path=$work/control" \
	-device virtserialport,chardev=control,name=org.salvor.lab </dev/null 2>"$work/qemu" &
qemu_pid=$!
trap 'kill -9 $qemu_pid 2>/dev/null || true; rm -rf "$work"' EXIT
exec 3<>"$work/control.in" 4<>"$work/control.out"

no_answer() {
	sed 's/^/qemu: /' "$work/qemu" >&2
	sed 's/^/console: /' "$work/console" >&2
	die "the lab did not answer: $1"
}

# answer prints the lab's output as it comes and sets status, or fails after the timeout.
answer() {
	local kind value left
	while left=$((timeout - SECONDS)) && [ $left -gt 0 ] && kill -0 $qemu_pid 2>/dev/null; do
		IFS=' ' read -r -t 5 kind value <&4 || continue
		case $kind in
		OUT) base64 -d <<<"$value" ;;
		ERR) base64 -d <<<"$value" >&2 ;;
		READY) base64 -w0 <<<"$script" >&3 && echo >&3 ;;
		RC) status=$value && return ;;
		esac
	done
	return 1
}

SECONDS=0
answer || no_answer "within $timeout s"
# On SIGTERM QEMU stops its guest at once, but writes its own image metadata first.
kill $qemu_pid 2>/dev/null || true
wait $qemu_pid 2>/dev/null || true
exit "$status"
