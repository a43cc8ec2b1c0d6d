// Package rear reads and writes the files of Relax-and-Recover (ReaR), and
// translates between them and salvor's layout and configuration.
//
// A File is a disklayout.conf: its Lines in their order, each a Component (one
// Go type per keyword) or a comment. A disabled component, "#keyword …", is one
// that ReaR knows and leaves out. A Problem is a line that cannot be read, or
// was read in spite of what is wrong with it.
//
// Files are a disklayout.conf together with its companions below /var/lib/rear:
// the volume groups' metadata, what xfs_info said, the usage of file systems,
// the boot loader. Settings are what a site.conf and local.conf assign; nothing
// in them is ever executed.
//
// Import makes a layout of Files, Export makes Files of a layout. A Gap is what
// the other side cannot express, with its cause. docs/rear.md is the published
// table of both ways.
//
// The package looks at no machine and knows no secrets: keys and passwords that
// it meets are dropped and said. The format is documented nowhere but in ReaR's
// scripts; facts here are of usr/share/rear/layout/save of ReaR 2.7 where
// nothing else is said.
package rear
