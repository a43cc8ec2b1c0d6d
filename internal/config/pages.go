package config

import (
	"cmp"
	"fmt"
	"strings"

	"salvor/internal/document"
)

// reference are all keys, as the pages below describe them.
func reference() []document.Key { return document.Keys(&Config{}) }

const sampleHead = `# The configuration of salvor. Every key may be left away; what stands here behind a # are
# the defaults, or examples where a key has none. What salvor makes of this file and of those
# in config.d is shown by: salvor config. All keys are explained in docs/config.md.

`

// Sample is a configuration file in which every key stands, with what it means, and none
// is set.
func Sample() []byte {
	var b strings.Builder
	b.WriteString(sampleHead)
	keys := reference()
	for i, k := range keys {
		if strings.Contains(k.Path, "[]") {
			continue // told where its list is
		}
		depth := strings.Count(k.Path, ".")
		indent := strings.Repeat("  ", depth)
		if depth == 0 && i > 0 {
			b.WriteByte('\n')
		}
		text := k.Doc + offer(k)
		for _, part := range keys[i+1:] {
			if name, of := strings.CutPrefix(part.Path, k.Path+"[]."); of {
				text += "\n" + name + ": " + part.Doc
			}
		}
		for line := range strings.SplitSeq(text, "\n") {
			b.WriteString(indent + "# " + strings.Join(fill(line, 92-len(indent)), "\n"+indent+"# ") + "\n")
		}
		b.WriteString(indent + sampleLine(k, indent) + "\n")
	}
	return []byte(b.String())
}

// sampleLine is the line with the key itself. A section stands there without a #, which
// sets nothing and saves one.
func sampleLine(k document.Key, indent string) string {
	name := lastOf(k.Path)
	switch {
	case k.Section:
		return name + ":"
	case strings.HasPrefix(k.Type, "list of mapping"):
		return name + ":\n" + indent + "  #- " + strings.Trim(k.Example, "[]")
	case k.Default+k.Example == "":
		return "#" + name + ": false" // what is true or false, and has no other default
	default:
		return "#" + name + ": " + cmp.Or(k.Default, k.Example)
	}
}

func lastOf(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func offer(k document.Key) string {
	if words, ok := strings.CutPrefix(k.Type, "one of "); ok {
		return " One of " + words + "."
	}
	return ""
}

// fill breaks a text into lines of at most width bytes.
func fill(text string, width int) []string {
	var out []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			out = append(out, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(out, line)
}

const pageHead = "# Configuration\n\n" +
	"<!-- Written by go test ./internal/config -update, from the types in internal/config/config.go. -->\n\n" +
	"salvor needs no configuration. What is chosen for a machine stands in `" + File + "` and in the\n" +
	"drop-ins `" + Directory + "/*.yaml`. They are data, never code: keys and values that are not known are\n" +
	"refused, each with its line.\n\n" +
	"- `salvor config` shows what is in force, and from which line each value comes.\n" +
	"- `salvor config --check` says what is wrong, also with files that are not in force.\n" +
	"- `salvor config --sample` writes a file to begin with; `--schema` a JSON Schema, for editors.\n\n" +
	"## How files are merged\n\n" +
	"`config.yaml` is read first, then the drop-ins in the order of their names. Of a value the last counts. A list\n" +
	"gets longer by what each file has; only the default of a list counts as long as no file names it. A key\n" +
	"without a value (`output:`) is as good as none. Backups that editors and package managers leave in `config.d`\n" +
	"are ignored, and listed by `salvor config`; any other name that does not end in `.yaml` is an error.\n\n" +
	"## How values are read\n\n" +
	"It is YAML without anchors, aliases, tags and second documents. What a word means follows from its\n" +
	"key: where text is wanted, `0123` and `no` are text; true and false are only `true` and `false`.\n\n" +
	"In a *pattern*, `*` stands for any characters, also for slashes, `?` for one, `[abc]`, `[a-z]` and `[!a]` for one of\n" +
	"these or none of these, and `\\` for the character behind it. Text that begins with `*` or `[` has to be in quotes.\n\n" +
	"A *path* begins with `/`. A *place* is a path, a URL, or what a backup engine takes for one (`sftp:user@host:/dir`).\n" +
	"A *public key* is a line of `authorized_keys`, or the path of a file with such lines. Passwords and private keys are refused.\n"

// Page is the reference of the configuration, docs/config.md.
func Page() []byte {
	var b strings.Builder
	b.WriteString(pageHead)
	table := ""
	for _, k := range reference() {
		section, _, nested := strings.Cut(strings.Replace(k.Path, "[]", "", 1), ".")
		switch {
		case !nested && (k.Section || strings.HasPrefix(k.Type, "list of mapping")):
			fmt.Fprintf(&b, "\n## `%s`\n\n%s\n", section, k.Doc)
			table = ""
			continue
		case k.Section:
			continue // its keys tell
		case !nested && table == "":
			b.WriteString("\n## At the top\n")
		}
		if table != section {
			b.WriteString("\n| key | takes | default | meaning |\n| --- | --- | --- | --- |\n")
			table = section
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Path, cell(k.Type), code(k.Default), cell(k.Doc)+example(k))
	}
	return []byte(b.String())
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + cell(s) + "`"
}

func example(k document.Key) string {
	if k.Example == "" {
		return ""
	}
	return " For example " + code(k.Example) + "."
}
