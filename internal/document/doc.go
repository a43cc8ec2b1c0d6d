// Package document reads and writes the files of salvor that people edit: YAML in
// the shape of Go types.
//
// A document is one value of a Go struct as YAML text. The struct's json tags name its
// keys; its doc tags say in a sentence what a key means, and its default and example
// tags show it. A path says where in a document something is: storage.disks[0].size, and
// "" for the whole. A comment is what Write puts above or beside a path for the reader of
// the file; it means nothing to Read. A problem is what is wrong at one path, with file,
// line and column; Read gives all that it finds, not only the first. A source is a document
// that was read, and knows the line of every path.
//
// Read takes less than YAML has, since a file that decides what becomes of disks should
// have one meaning for everyone who looks at it: no anchors, aliases, merge keys, tags or
// second documents, no key twice, none that the type does not have. What a plain word
// means follows from the type that is wanted: a serial number 0123 or 1e3 is text as
// it stands there, and on is never a truth value. A key without a value is as good as
// none, and an empty list as no list: Write writes both as [], Read gives nil.
//
// The package knows nothing of what the keys mean, opens no files, merges nothing, and sets
// defaults only for who asks. Whether the values make sense is for its callers to judge; they
// say it by Source.Problem.
package document
