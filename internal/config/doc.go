// Package config is what an administrator chose for a machine: /etc/salvor/config.yaml
// and the drop-ins of /etc/salvor/config.d, as data.
//
// A configuration is a typed value, in which every key has a default; none has to be set. A
// drop-in is a further file, /etc/salvor/config.d/*.yaml. The files are read in the order of
// their names, config.yaml first, and merged: of a value the last counts, a list gets longer
// by what each file has, and the default of a list counts as long as no file names it. The
// origin of a value is the file and line that it comes from, or nothing, for a default. A
// pattern is text in which * stands for any characters, also for slashes.
//
// The files are never code. Keys and values that are not known are refused, each with its
// line, and so are secrets, for which there is no place here.
//
// The package does nothing that is configured, looks at no machine (it gets its files from
// whoever calls it), and knows nothing of layouts, images and backups but what may be said of them.
package config
