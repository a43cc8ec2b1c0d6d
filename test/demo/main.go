// Command demo shows salvor's main job on a real machine in a VM: the rescue image that
// salvor makes boots with the disks of golden machine b (LVM on LUKS, a mirrored /boot,
// btrfs data), and nobody has told salvor anything about it.
package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"

	"salvor/test/lab"
)

// scene is what is said, what is typed, and what ends it.
type scene struct {
	say, typed string
	secret     string // typed when it is asked for
}

var scenes = []scene{
	{say: "What is there? probe shows the whole storage stack. It reads, and writes nothing.", typed: "salvor probe"},
	{say: "What is installed there? Nothing was prepared. One volume is locked, so systems says\nwhat it cannot know; with --unlock it asks.", typed: "salvor systems --unlock", secret: "correct horse"},
	{say: "What would mount do? The plan, and every line of the system's own fstab.", typed: "salvor mount --plan", secret: "correct horse"},
	{say: "Mount it, all of it: the mirror, LUKS under the name that its crypttab says, LVM,\next4, XFS, both btrfs subvolumes, the EFI partition.", typed: "salvor mount", secret: "correct horse"},
	{say: "A command inside the system. Without one it would be root's shell.", typed: "salvor chroot -- dpkg-query --show base-files bash"},
	{say: "What does salvor hold?", typed: "salvor status"},
	{say: "Take everything down, in reverse, and nothing that was not salvor's.", typed: "salvor umount"},
	{say: "Nothing is left: no map, no array, no mount.", typed: "dmsetup ls; cat /proc/mdstat; grep /mnt/local /proc/mounts; salvor status"},
}

const prompt = "rescue# "

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	say("Building salvor and a rescue image, of a root that has nothing to do with machine b, and\nbooting it in a VM with machine b's disks. This is what its console shows.")
	// The greeting lists the disks, so the kernel has to have found them by then.
	vm, err := lab.BootImage(dir, dir, []string{"b"}, "--append", "scsi_mod.scan=sync ip=off")
	if err != nil {
		return err
	}
	defer vm.Kill()
	con := vm.Console
	text := greeting.FindString(con.Text())
	if text == "" {
		return fmt.Errorf("the rescue system does not greet:\n%s", con.Text())
	}
	fmt.Print(text)
	if err := typeLine(con, "stty cols 100 rows 40; export PS1='"+prompt+"'", atPrompt); err != nil {
		return err
	}
	for _, s := range scenes {
		if err := play(con, s); err != nil {
			return err
		}
	}
	fmt.Println()
	say("That was it. \"test/lab/run.sh --image $(test/lab/image.sh) --machine $(test/machines/build.sh b)\"\nis a root shell in the same place.")
	return nil
}

func say(text string) { fmt.Printf("\n\033[1m# %s\033[0m\n\n", strings.ReplaceAll(text, "\n", "\n# ")) }

var (
	greeting = regexp.MustCompile(`(?s)This is the salvor rescue system.*?poweroff[^\n]*\n`)
	atPrompt = regexp.MustCompile(`(^|\n)` + regexp.QuoteMeta(prompt) + `$`)
	asked    = regexp.MustCompile(`[Pp]assphrase[^\n]*: ?$`)
)

// play types a line and shows the console until the prompt is back. The terminal
// does not echo a passphrase.
func play(con *lab.Console, s scene) error {
	say(s.say)
	fmt.Print(prompt)
	con.Tee(&untilPrompt{})
	defer con.Tee(nil)
	if s.secret == "" {
		return typeLine(con, s.typed, atPrompt)
	}
	if err := typeLine(con, s.typed, asked); err != nil {
		return err
	}
	fmt.Print("\033[2m(the passphrase is typed)\033[0m")
	return typeLine(con, s.secret, atPrompt)
}

// untilPrompt shows what comes but for the prompt at its end: the next scene begins
// with that.
type untilPrompt struct{ held []byte }

func (u *untilPrompt) Write(p []byte) (int, error) {
	u.held = append(u.held, p...)
	line := u.held[bytes.LastIndexByte(u.held, '\n')+1:]
	if !strings.HasPrefix(prompt, string(line)) {
		line = nil
	}
	shown := len(u.held) - len(line)
	os.Stdout.Write(u.held[:shown])
	u.held = u.held[shown:]
	return len(p), nil
}

// typeLine types a line and waits for what follows it.
func typeLine(con *lab.Console, line string, until *regexp.Regexp) error {
	if err := con.Send(line + "\r"); err != nil {
		return err
	}
	return con.Expect(until)
}
