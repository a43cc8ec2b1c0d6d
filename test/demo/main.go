// Command demo shows salvor's main job on a real machine in a VM: golden machine b
// (LVM on LUKS, a mirrored /boot, btrfs data) lies on its disks, and nobody has told
// salvor anything about it.
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
	say("Building salvor, and booting a live medium in a VM with machine b's disks.")
	if err := lab.Build(dir); err != nil {
		return err
	}
	vm, err := lab.Boot(dir, dir, []string{"b"})
	if err != nil {
		return err
	}
	defer vm.Kill()
	con := vm.Console
	if err := typeLine(con, "stty cols 100 rows 40; export PS1='"+prompt+"'", atPrompt); err != nil {
		return err
	}
	for _, s := range scenes {
		if err := play(con, s); err != nil {
			return err
		}
	}
	fmt.Println()
	say("That was it. \"test/lab/run.sh --machine $(test/machines/build.sh b) --share DIR\" is a root\nshell in the same place, with DIR at /salvor.")
	return nil
}

func say(text string) { fmt.Printf("\n\033[1m# %s\033[0m\n\n", strings.ReplaceAll(text, "\n", "\n# ")) }

var (
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
