// Package tool is the phrasebook of the outside programs that change storage:
// how to ask (a function that gives a machine.Cmd), how to read the answer, and
// what a failure means.
//
// A Failure is a program that said no in words that the phrasebook knows. Its
// Kind is one of the sentinels below; each says what the caller may conclude. A
// message that is not known stays the *machine.ExitError that it was: nothing is
// concluded from it.
//
// Programs run in the C locale (machine.Machine sees to it), so the messages are
// those of the sources that the tables cite.
//
// The package runs nothing, decides nothing, and knows neither the device graph
// nor plans.
package tool
