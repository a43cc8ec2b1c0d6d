// Package session keeps what this rescue session has done, so that it can be
// taken back exactly, also after a crash.
//
// A Journal is a file in memory (/run), one Record a line: each act of salvor's
// is written down before it is done. Folding the journal gives the Holdings: what
// salvor opened, froze, renamed and mounted and has not taken back. Restored is
// the graph as it would stand without the holdings; a plan that leads to it is
// the way back. The interlock is a table that says which command may follow in
// which condition.
//
// The journal alone proves nothing: what counts is the journal together with the
// graph that a probe sees now. The package runs nothing and opens nothing.
package session
