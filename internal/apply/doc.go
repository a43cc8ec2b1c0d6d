// Package apply is the hands: it carries a plan out on a machine (Run), or
// writes it down as a shell script for somebody else's hands (Script).
//
// An Action is one act of the hands: a program that is run, a write to sysfs, a
// mount. Lower turns each operation of a plan into its actions, and both Run and
// Script are fed by it, so that what is shown is what is done. An Env is the
// little of the machine that changes how an operation is asked for.
//
// Run keeps the dependencies of the plan: a step that fails stops those that come
// after it, and nothing else. It believes no exit status where it can look: a
// device has to be there, a mount has to show the right device and subvolume.
//
// The package decides nothing. It makes no plan, chooses no device, asks for no
// passphrase and keeps no journal; the caller hands in functions for those.
package apply
