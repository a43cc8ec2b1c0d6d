// Package seed makes tests that draw random cases draw the same ones every time,
// when SALVOR_SEED is set to a number. "make test" sets it, so that a run of it can
// be repeated and says something of the change that it tests; "make soak" does not,
// and looks for cases that nobody has seen yet.
package seed

import (
	"flag"
	"os"

	_ "pgregory.net/rapid" // registers its flags
)

func init() {
	if s := os.Getenv("SALVOR_SEED"); s != "" {
		if err := flag.Set("rapid.seed", s); err != nil {
			panic("SALVOR_SEED: " + err.Error())
		}
	}
}
