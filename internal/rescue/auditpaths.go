package rescue

// The rules: by path alone.
const (
	ruleConfigured Rule = "configured"
	ruleKeyFile    Rule = "key file"
	ruleSSH        Rule = "ssh key"
	ruleCredential Rule = "credentials"
	ruleKerberos   Rule = "kerberos"
	ruleTLS        Rule = "tls key"
	ruleNetwork    Rule = "network secret"
	ruleBackup     Rule = "backup key"
	ruleSystemd    Rule = "systemd credential"
	ruleCloud      Rule = "cloud credentials"
	ruleHistory    Rule = "history"
	ruleSeed       Rule = "random seed"
)

// secretPath is a row of the table of paths in docs/rescue.md. An asterisk stands for slashes, too.
type secretPath struct {
	rule     Rule
	why      string
	patterns []string
}

var secretPaths = []secretPath{
	{ruleSSH, "a private key of ssh", []string{"/etc/ssh/ssh_host_*_key", "/etc/dropbear/dropbear_*_host_key", "*/.ssh/id_*[!b]", "*/.ssh/id_*[!u]b", "*/.ssh/identity"}},
	{ruleKeyFile, "a key of an encrypted volume", []string{
		"/etc/cryptsetup-keys.d/*", "/run/cryptsetup-keys.d/*", "/etc/luks-keys/*", "/etc/luks/*.key", "/etc/keys/*", "/crypto_keyfile.bin", "/boot/crypto_keyfile.bin",
		"/etc/cryptsetup-initramfs/*.key", "*.luks", "*.keyfile"}},
	{ruleCredential, "a file with names and passwords", []string{
		"*/.netrc", "*/_netrc", "*/.pgpass", "*/.my.cnf", "*/.mylogin.cnf", "*/.git-credentials", "*/.npmrc", "*/.pypirc", "*/.docker/config.json", "*/.dockercfg",
		"*/.htpasswd", "*/.smbcredentials", "*/.cifs*credentials*", "/etc/*credentials", "/etc/*.credentials", "/etc/samba/*cred*", "/etc/davfs2/secrets", "*/.davfs2/secrets",
		"*/.vault-token", "*/.config/gh/hosts.yml", "/var/lib/samba/private/*", "/etc/mysql/debian.cnf", "*/.gnupg/private-keys-v1.d/*", "*/.gnupg/secring.gpg",
		"*/.password-store/*", "*.kdbx", "/etc/sudo-ldap.conf", "/etc/ldap.secret", "/etc/libnss-ldap.secret", "/etc/pam_ldap.secret", "/etc/libvirt/secrets/*", "/var/lib/libvirt/secrets/*"}},
	{ruleKerberos, "keys or tickets of Kerberos", []string{"*.keytab", "/etc/krb5kdc/*", "/var/kerberos/krb5kdc/*", "/tmp/krb5cc*", "*/krb5cc_*", "/var/lib/sss/db/*"}},
	{ruleTLS, "a private key of TLS", []string{
		"/etc/ssl/private/*", "/etc/pki/tls/private/*", "/etc/letsencrypt/archive/*/privkey*", "/etc/letsencrypt/live/*/privkey*", "/etc/letsencrypt/accounts/*", "/etc/letsencrypt/keys/*",
		"*.p12", "*.pfx", "*.jks", "/etc/secureboot/keys/*.key", "/usr/share/secureboot/keys/*.key", "/var/lib/sbctl/keys/*.key", "/var/lib/shim-signed/mok/*.priv", "/var/lib/dkms/mok.key", "/root/*.priv"}},
	{ruleNetwork, "a secret of a network connection", []string{
		"/etc/ppp/*-secrets", "/etc/ipsec.secrets", "/etc/ipsec.d/*.secrets", "/etc/ipsec.d/private/*", "/etc/swanctl/private/*", "/etc/swanctl/rsa/*", "/etc/racoon/psk.txt",
		"/etc/wireguard/*.key", "/etc/wireguard/*private*", "/etc/openvpn/*.key", "/var/lib/iwd/*.psk", "/var/lib/iwd/*.8021x", "/var/lib/tailscale/*", "/etc/chap-secrets",
		"/etc/iscsi/nodes/*/auth*", "/etc/nvme/keys/*", "/var/lib/bluetooth/*/info"}},
	{ruleBackup, "a key or password of a backup", []string{
		"*/.config/borg/keys/*", "*/.config/borg/security/*", "*/.borg-passphrase", "/etc/borg*passphrase*", "*/.restic*password*", "/etc/restic*password*", "/etc/restic/*pass*", "*/.config/rclone/rclone.conf",
		"/etc/bacula/*.keys", "/etc/rsyncd.secrets", "/etc/rsync*.secret*", "/etc/rsync*.pass*", "/etc/duplicity/*", "/etc/salvor/*.key", "/etc/salvor/keys/*"}},
	{ruleSystemd, "a credential of systemd, or the key to it", []string{
		"/var/lib/systemd/credential.secret", "/etc/credstore/*", "/etc/credstore.encrypted/*", "/run/credentials/*", "/run/credstore/*", "/usr/lib/credstore/*", "*.cred"}},
	{ruleCloud, "credentials of a cloud or cluster", []string{
		"*/.aws/credentials", "*/.aws/sso/*", "*/.azure/*tokens*", "*/.azure/*.bin", "*/.config/gcloud/*credential*", "*/.config/gcloud/legacy_credentials/*", "*/.boto", "*/.s3cfg", "*/.passwd-s3fs", "/etc/passwd-s3fs",
		"*/.kube/config", "/etc/kubernetes/*.conf", "/etc/kubernetes/pki/*.key", "/etc/rancher/*/*.yaml", "/var/lib/cloud/instance*/user-data*", "/var/lib/cloud/instance*/*seed*", "/etc/ceph/*.keyring", "/etc/ceph/*.secret"}},
	{ruleHistory, "what somebody typed", []string{"*/.bash_history", "*/.zsh_history", "*/.python_history", "*/.mysql_history", "*/.psql_history", "*/.lesshst", "*/.viminfo"}},
	{ruleSeed, "what this machine's random numbers begin with", []string{"/var/lib/systemd/random-seed", "/var/lib/random-seed", "/var/lib/urandom/random-seed", "/boot/loader/random-seed"}},
}
