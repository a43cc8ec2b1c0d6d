package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is set by the linker for releases (-X salvor/internal/cli.Version=…).
var Version = ""

var versionPage = page{
	use:      "version",
	short:    "say which salvor this is",
	writes:   "It writes nothing and looks at nothing.",
	examples: []example{{"salvor version", "for a bug report"}, {"salvor version --json", "for a program"}},
	exits:    []int{exitOK},
}

func (a *app) version() *cobra.Command {
	cmd := versionPage.command()
	cmd.RunE = func(*cobra.Command, []string) error {
		b := build()
		if a.opt.json {
			return a.json("version", b)
		}
		a.out.line("salvor %s (%s, %s/%s)", b.Version, b.Go, runtime.GOOS, b.Arch)
		return nil
	}
	return cmd
}

type buildJSON struct {
	Version string `json:"salvor"`
	Go      string `json:"go"`
	Arch    string `json:"arch"`
}

// build tells what this program was built from: a release, or a commit.
func build() buildJSON {
	b := buildJSON{Version: Version, Go: runtime.Version(), Arch: runtime.GOARCH}
	if b.Version != "" {
		return b
	}
	info, _ := debug.ReadBuildInfo()
	b.Version = development(info)
	return b
}

// development names what is no release by its commit, if that is known.
func development(info *debug.BuildInfo) string {
	out := "development"
	if info == nil {
		return out
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	if commit := set["vcs.revision"]; len(commit) >= 12 {
		out += " " + commit[:12]
	}
	if set["vcs.modified"] == "true" {
		out += " with changes"
	}
	return out
}
