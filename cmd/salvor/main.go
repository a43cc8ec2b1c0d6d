// Command salvor finds, opens, mounts and recovers installed Linux systems.
package main

import (
	"context"
	"os"

	"salvor/internal/cli"
	"salvor/internal/rescue/live"
)

func main() {
	os.Exit(live.Main(os.Stderr, func() int { return cli.Main(context.Background(), os.Args[1:], cli.Live()) }))
}
