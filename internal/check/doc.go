// Package check says what is wrong with an installed system, or will be when it
// boots: what its tables name that is not there, what its boot loader cannot find,
// what its initramfs lacks.
//
// A Subject is a system as it was looked at: its graph, its files, what mounting it
// means, what its boot loaders would start. A Finding is one thing that is wrong,
// with its cause and a remedy. Its Code tells the kind, in a word that programs can
// rely on, and its Severity what comes of it. The table of all codes is in
// docs/tables.md.
//
// The package is pure: it looks at what it is given, mends nothing and touches no
// machine.
package check
