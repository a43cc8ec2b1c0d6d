package live

import "io/fs"

// File is a small file that init and the programs of the image expect.
type File struct {
	Path string
	Mode fs.FileMode
	Text string
	Why  string
}

// sshConfig is the configuration of sshd, which is not that of the machine.
const sshConfig = "/etc/salvor/sshd_config"

// Files are what init, its shells and its sshd read. The users and groups are the image's, since
// they depend on the programs in it. No password is in any of these: at the console none is
// asked for, and by ssh none is taken.
func Files() []File {
	return []File{
		{"/etc/profile", 0o644, profile, "what a shell of the rescue system reads"},
		{"/etc/motd", 0o644, nextSteps, "what is shown after a login by ssh"},
		{"/etc/fstab", 0o644, "# The rescue system mounts nothing by itself.\n", "programs expect one"},
		{sshConfig, 0o600, sshd, "sshd: root, by key"},
	}
}

const profile = `PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
HISTFILE=
if [ "${BASH_VERSION-}" ]; then
	PS1='\u@\h (rescue):\w\$ '
else
	PS1='rescue:$PWD# '
fi
`

// sshd: a login by key and nothing else. DNS is not asked, as it may not answer.
const sshd = `PermitRootLogin prohibit-password
AllowUsers root
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
AuthorizedKeysFile /root/.ssh/authorized_keys
PidFile none
PrintLastLog no
AllowAgentForwarding no
X11Forwarding no
Subsystem sftp internal-sftp
`
