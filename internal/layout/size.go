package layout

import (
	"fmt"
	"math"
	"math/big"
	"strings"
)

// Size is a number of bytes. Its text is exact: a number and the largest unit that
// divides it, "96MiB", "1234B".
type Size uint64

var units = []struct {
	name  string
	bytes uint64
}{{"EiB", 1 << 60}, {"PiB", 1 << 50}, {"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// String gives the exact text.
func (s Size) String() string {
	if s == 0 {
		return "0B"
	}
	for _, u := range units {
		if uint64(s)%u.bytes == 0 {
			return fmt.Sprintf("%d%s", uint64(s)/u.bytes, u.name)
		}
	}
	return fmt.Sprintf("%dB", uint64(s))
}

// About gives the size as people say it, with three digits: "3.73 GiB".
func (s Size) About() string {
	for _, u := range units {
		if uint64(s) >= u.bytes && u.bytes > 1 {
			return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", float64(s)/float64(u.bytes)), "0"), ".") + " " + u.name
		}
	}
	return fmt.Sprintf("%d B", uint64(s))
}

// MarshalText implements encoding.TextMarshaler.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSize(string(text))
	return err
}

// decimal are units of powers of ten, which people may write.
var decimal = map[string]uint64{"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15, "EB": 1e18}

// ParseSize reads a number with a unit: B, KiB … EiB, or kB … EB; a fraction
// ("1.5GiB") must give whole bytes. A number alone is bytes.
func ParseSize(text string) (Size, error) {
	number := strings.TrimRight(text, "BiEPTGMKk")
	unit := strings.TrimSpace(text[len(number):])
	number = strings.TrimSpace(number)
	factor, ok := uint64(1), unit == ""
	for _, u := range units {
		if u.name == unit {
			factor, ok = u.bytes, true
		}
	}
	if d := decimal[unit]; d != 0 {
		factor, ok = d, true
	}
	if !ok || number == "" || strings.Trim(number, "0123456789.") != "" || len(number) > 40 {
		return 0, fmt.Errorf("cannot read %q as a size: it is a number and a unit, such as 96MiB or 1234B", text)
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, fmt.Errorf("cannot read %q as a size: it is a number and a unit, such as 96MiB or 1234B", text)
	}
	r.Mul(r, new(big.Rat).SetUint64(factor))
	switch {
	case !r.IsInt():
		return 0, fmt.Errorf("cannot read %q as a size: it is not a whole number of bytes", text)
	case r.Num().Cmp(new(big.Int).SetUint64(math.MaxUint64)) > 0:
		return 0, fmt.Errorf("cannot read %q as a size: it is larger than any device", text)
	}
	return Size(r.Num().Uint64()), nil
}
