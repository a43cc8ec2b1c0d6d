// Package plan is the difference of two device graphs, as data.
//
// An Op is one operation on the machine, of a closed set: open or close a node,
// set up or take down a copy-on-write stand-in, set or clear a device's
// read-only flag, mount or unmount. It is complete: who carries it out decides
// nothing. A Step is an Op and the steps that have to be done before it. A Plan
// is a list of steps in an order that keeps those dependencies.
//
// Diff makes the plan that leads from what is there to what is wanted. Mount,
// umount, undo after a failure and going on after an interruption are all this
// one function. Simulate says what a graph becomes when a plan is carried out.
//
// The package is pure: it looks at no machine and changes none.
package plan
