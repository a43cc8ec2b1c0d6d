// Command salvor finds, opens, mounts and recovers installed Linux systems.
package main

import (
	"context"
	"os"

	"salvor/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Live()))
}
