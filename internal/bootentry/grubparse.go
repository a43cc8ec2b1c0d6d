package bootentry

import (
	"errors"
	"fmt"
	"slices"
)

// node is a command of a GRUB script.
type node struct {
	line  int
	words []word  // a simple command, or the words of a loop
	block []*node // what stands in braces after it, or the body
	has   bool    // there is a block
	kind  nodeKind
	arms  []arm // of an if
}

type nodeKind int

const (
	simple nodeKind = iota
	branch          // if … fi
	forLoop
	whileLoop // also until
	function
)

// arm is a condition and what is done if it holds. The condition of an else is nil.
type arm struct {
	condition []*node
	body      []*node
}

// deepest is how far blocks and conditions may be nested.
const deepest = 100

// parser reads a script. It never fails: what it does not understand is noted and
// left out.
type parser struct {
	lex   lexer
	tok   token
	depth int
	note  func(line int, err error)
}

// parseGRUB reads a script; note is told what cannot be read.
func parseGRUB(text string, note func(line int, err error)) []*node {
	p := &parser{lex: lexer{text: text, line: 1}, note: note}
	p.advance()
	var all []*node
	for {
		all = append(all, p.list()...)
		if p.tok.kind == tokenEnd {
			return all
		}
		if p.tok.kind == tokenClose {
			p.note(p.tok.line, errors.New("a } without a {"))
		} else {
			p.note(p.tok.line, fmt.Errorf("%s without what it belongs to", p.tok.word.literal()))
		}
		p.advance()
	}
}

func (p *parser) advance() { p.tok = p.lex.next() }

// ends are the words that end a list of commands.
var ends = []string{"then", "elif", "else", "fi", "do", "done"}

// list reads commands up to a closing brace, a word of ends, or the end.
func (p *parser) list() []*node {
	var out []*node
	for {
		switch p.tok.kind {
		case tokenEnd, tokenClose:
			return out
		case tokenSeparator:
			p.advance()
		case tokenOpen:
			out = append(out, p.braces()...)
		case tokenWord:
			if slices.Contains(ends, p.tok.word.literal()) {
				return out
			}
			out = append(out, p.command())
		}
	}
}

// braces reads a block; what is nested too deep is skipped.
func (p *parser) braces() []*node {
	line := p.tok.line
	p.advance()
	if p.depth >= deepest {
		p.skipBlock(line)
		return nil
	}
	p.depth++
	defer func() { p.depth-- }()
	var out []*node
	for {
		out = append(out, p.list()...)
		switch p.tok.kind {
		case tokenClose:
			p.advance()
			return out
		case tokenEnd:
			p.note(line, errors.New("a { that is not closed"))
			return out
		}
		p.note(p.tok.line, fmt.Errorf("%s without what it belongs to", p.tok.word.literal()))
		p.advance()
	}
}

func (p *parser) skipBlock(line int) {
	p.note(line, errors.New("nested too deep: it is left out"))
	for open := 1; open > 0 && p.tok.kind != tokenEnd; p.advance() {
		switch p.tok.kind {
		case tokenOpen:
			open++
		case tokenClose:
			open--
		}
	}
}

func (p *parser) command() *node {
	n := &node{line: p.tok.line}
	switch p.tok.word.literal() {
	case "if":
		p.branch(n)
	case "for":
		p.loop(n, forLoop)
	case "while", "until":
		p.loop(n, whileLoop)
	case "function":
		n.kind = function
		p.advance()
		p.simple(n)
	default:
		p.simple(n)
	}
	return n
}

// simple reads words, and the block that may follow them.
func (p *parser) simple(n *node) {
	for {
		switch p.tok.kind {
		case tokenWord:
			n.words = append(n.words, p.tok.word)
			p.advance()
		case tokenOpen:
			n.block, n.has = append(n.block, p.braces()...), true
		default:
			return
		}
	}
}

// nested runs a reader of commands one level deeper, or notes that there is none.
func (p *parser) nested(line int, read func()) {
	if p.depth >= deepest {
		p.note(line, errors.New("nested too deep: it is left out"))
		p.tok = token{line: line}
		p.lex.at = len(p.lex.text)
		return
	}
	p.depth++
	read()
	p.depth--
}

func (p *parser) branch(n *node) {
	n.kind = branch
	p.nested(n.line, func() {
		for {
			p.advance() // if, elif
			a := arm{condition: p.list()}
			if p.expect(n.line, "then") {
				a.body = p.list()
			}
			n.arms = append(n.arms, a)
			if p.tok.word.literal() != "elif" {
				break
			}
		}
		if p.tok.word.literal() == "else" {
			p.advance()
			n.arms = append(n.arms, arm{body: p.list()})
		}
		p.expect(n.line, "fi")
	})
}

func (p *parser) loop(n *node, kind nodeKind) {
	n.kind = kind
	p.nested(n.line, func() {
		p.advance()
		if kind == forLoop {
			p.simple(n) // NAME in WORDS
			for p.tok.kind == tokenSeparator {
				p.advance()
			}
		} else {
			p.list() // the condition: whether it holds is not asked
		}
		if p.expect(n.line, "do") {
			n.block = p.list()
			p.expect(n.line, "done")
		}
	})
}

// expect takes a reserved word.
func (p *parser) expect(line int, reserved string) bool {
	if p.tok.kind == tokenWord && p.tok.word.literal() == reserved {
		p.advance()
		return true
	}
	p.note(line, fmt.Errorf("no %s is found for what begins here", reserved))
	return false
}
