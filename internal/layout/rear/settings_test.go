package rear

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// show writes settings as a test reads them.
func show(s *Settings) string {
	var b strings.Builder
	for _, v := range s.All {
		op := "="
		if v.Adds {
			op = "+="
		}
		fmt.Fprintf(&b, "%s%s", v.Name, op)
		switch {
		case v.Secret:
			b.WriteString("secret")
		case v.Array:
			fmt.Fprintf(&b, "%q", v.Values)
		case len(v.Values) > 0:
			fmt.Fprintf(&b, "%q", v.Value())
		}
		if v.Unsure != "" {
			b.WriteString(" unsure")
		}
		b.WriteString("\n")
	}
	for _, u := range s.Unread {
		fmt.Fprintf(&b, "%d-%d: %s: %s\n", u.Line, u.Last, u.Word, u.Cause)
	}
	return b.String()
}

func TestSettings(t *testing.T) {
	const command = "it is a command or a block of commands, and nothing is executed"
	const substitution = "it has the output of a command in it, and nothing is executed"
	for _, c := range []struct{ src, want string }{
		{"A=x", `A="x"`},
		{"# A=x\n\n  B=y # end\n", `B="y"`},
		{`A=$"x" B=a\\`, "A=\"x\"\nB=\"a\\\\\""},
		{"A=$[1+1]", "A= unsure\n1-1: A: " + substitution},
		{"A=( [1]=x )", "A= unsure\n1-1: A: an element begins with a bracket, which numbers it or is a pattern"},
		{"A=(x)B=y", "A= unsure\nB= unsure\n1-1: A: " + command},
		{"A=x B='y z'; C=\"q\"", "A=\"x\"\nB=\"y z\"\nC=\"q\""},
		{`A=a\ b'c d'"e f"`, `A="a bc de f"`},
		{`A="a\"b\$c\x"`, `A="a\"b$c\\x"`},
		{`A=$'a\tb\x41\101\u00e9\'c'`, `A="a\tbA` + `Aé'c"`},
		{"A=", `A=""`},
		{"A=one\\\ntwo", `A="onetwo"`},
		{"A=\"one\ntwo\"\nB=1", "A=\"one\\ntwo\"\nB=\"1\""},
		{"export A=x\nexport A\nreadonly B=y", "A=\"x\"\nB=\"y\""},
		{"A=( 'a b' c\n  \"d\" # why\n e )", `A=["a b" "c" "d" "e"]`},
		{"A=()", `A=[]`},
		{"A=( '' )", `A=[""]`},
		{"A+=( x )\nA+=( y )", `A+=["x" "y"]`},
		{"A=( x )\nA+=( y )", `A=["x" "y"]`},
		{`A=( "${A[@]}" /x/* )`, `A+=["/x/*"]`},
		{"A=( a b )\nA=( \"${A[@]}\" c )", `A=["a" "b" "c"]`},
		{"A=()\nA=( \"${A[@]}\" c )", `A=["c"]`},
		{`A=( x "${A[@]}" )`, "A= unsure\n1-1: A: its own value stands in it, and what that is before is not known"},
		{"H=host\nU=nfs://$H/${H}x\nV='$H'", "H=\"host\"\nU=\"nfs://host/hostx\"\nV=\"$H\""},
		{"W='a b'\nA=( $W \"$W\" )", `W="a b"` + "\n" + `A=["a" "b" "a b"]`},
		{"U=$HOSTNAME", "U= unsure\n1-1: U: $HOSTNAME is not assigned before in these files, and the value that it has on the machine is not known"},
		{"A=$(date)\nB=`date`", "A= unsure\nB= unsure\n1-1: A: " + substitution + "\n2-2: B: " + substitution},
		{"A=$(date)\nA=x", "A=\"x\"\n1-1: A: " + substitution},
		{"A=( $(ls\n /) b )\nB=1", "A= unsure\nB=\"1\"\n1-2: A: " + substitution},
		{"A=${B:-x}", "A= unsure\n1-1: A: ${B:……} is more than the value of a variable"},
		{"A=~/x", "A= unsure\n1-1: A: ~ stands for a home directory, which is not known"},
		{"A=( {a,b} )", "A= unsure\n1-1: A: braces would be expanded to several words"},
		{"A[2]=x", "A= unsure\n1-1: A[2]: it assigns a single element of an array"},
		{"A=x\nif test -d /x; then\n  A=y\nelse A=z; fi\nB=1", "A=\"x\" unsure\nB=\"1\"\n2-4: if: " + command},
		{"case $x in\n a)\n  A=1\n ;;\n (b) B=1;;\nesac\nC=1", "A= unsure\nB= unsure\nC=\"1\"\n1-6: case: " + command},
		{"for A in a b; do\nB=$A\ndone\nC=1", "A= unsure\nB= unsure\nC=\"1\"\n1-3: for: " + command},
		{"f() {\n A=1\n}\nfunction g {\n B=1\n}\nh()\n{\n C=1\n}\nD=1",
			"A= unsure\nB= unsure\nC= unsure\nD=\"1\"\n1-3: f(): " + command + "\n4-6: function: " + command + "\n7-10: h(): " + command},
		{"test -d /x &&\n A=1\nB=1", "A= unsure\nB=\"1\"\n1-2: test: " + command},
		{"A=1 && B=2", "A= unsure\nB= unsure\n1-1: A: it is a condition, or has a command behind it"},
		{"A=1 command", "A= unsure\n1-1: A: " + command},
		{"cat <<EOF\nA=1\nEOF\nB=1", "A= unsure\nB=\"1\"\n1-3: cat: " + command},
		{"source /etc/x\nunset A", "A= unsure\n1-1: source: " + command + "\n2-2: unset: " + command},
		{"SSH_ROOT_PASSWORD=geheim\nP=$SSH_ROOT_PASSWORD", "SSH_ROOT_PASSWORD=secret\nP= unsure\n2-2: P: $SSH_ROOT_PASSWORD is a secret, which is not copied"},
		{"{ BACKUP_PROG_CRYPT_KEY='x y' ; } 2>/dev/null", "BACKUP_PROG_CRYPT_KEY=secret unsure\n1-1: {: " + command},
		{"A='x", "A= unsure\n1-1: A: a quote or bracket is not closed"},
		{"A=\x00x\x00", `A="x"`},
		{"}\nA=1\r\n", "A=\"1\"\n1-1: }: " + command},
	} {
		s := &Settings{}
		s.Read("local.conf", []byte(c.src))
		if diff := cmp.Diff(strings.TrimSpace(c.want), strings.TrimSpace(show(s))); diff != "" {
			t.Errorf("%s\n%s", c.src, diff)
		}
	}
}

func TestSettingsGrowNotForEver(t *testing.T) {
	s := &Settings{}
	s.Read("x", []byte("A=xxxxxxxxxx\n"+strings.Repeat("A=$A$A\n", 100)))
	if a := s.Get("A"); a.Unsure == "" || len(a.Value()) > maxExpansion {
		t.Errorf("a value of %d bytes, %q", len(a.Value()), a.Unsure)
	}
}

// FuzzSettings: whatever the file says, reading ends, and keeps no secret.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"A=x", "A=( \"${A[@]}\" b )", "if x\nthen A=1\nfi", "cat <<E\nE\n", "A=$'\\x4", "A=${", "f() {", "A=\"$B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		s := &Settings{}
		s.Read("x", []byte("OPAL_PASSWORD=verysecretword\n"+src))
		for _, v := range s.All {
			if strings.Contains(strings.Join(v.Values, " "), "verysecretword") && !strings.Contains(src, "verysecretword") {
				t.Errorf("%s has a secret in it", v.Name)
			}
		}
	})
}
