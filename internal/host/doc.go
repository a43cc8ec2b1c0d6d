// Package host reads of a machine what is not storage, for its layout.
//
// Its nouns are those of package layout: a Host is which machine it is (Machine), how
// it starts (Boot), how it is reached (Network), and with which programs its storage
// would be made again (Tools). Read reads the machine that runs, ReadTree the files of an
// installed system that is seen from outside. A note is something that could not be read
// or was left out, in a sentence.
//
// What is read stays as it is while the machine does: a lease that is renewed, another
// start or the coming and going of containers changes nothing. Secrets are left out:
// those of a command line are blotted out, and files that may hold keys are named and
// not read.
//
// The package decides nothing, changes nothing, and knows neither boot loaders'
// configurations nor the device graph; what needs these is filled in by the caller.
package host
