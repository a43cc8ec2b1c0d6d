// Package cli is the command line: one file per command, which parses, asks a
// package and shows what comes back.
//
// A page is what the manual says about a command; help, man pages and the command
// itself are made from it. A screen is one of the two outputs with what it can
// show: colours, line drawing, width. Standard output is what was asked for, as
// text for people or as one JSON document; standard error is the rest: progress,
// questions, notes and errors. A prompter answers the questions of an order on the
// terminal, a reporter turns its events into lines.
//
// The package decides nothing, starts no programs and touches no device. Advice
// and exit codes stand in errors.go and nowhere else.
package cli
