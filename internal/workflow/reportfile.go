package workflow

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"salvor/internal/machine"
)

// reportVersion is raised when older programs would read a report wrongly.
const reportVersion = 1

// Report is what a machine answered to looks, to be looked at elsewhere. Its form is
// described in docs/report.md.
type Report struct {
	Version   int                `json:"salvor_report"`
	Created   time.Time          `json:"created"`
	Salvor    string             `json:"salvor"` // which version recorded it
	Kernel    string             `json:"kernel"`
	Keys      []string           `json:"keys,omitempty"` // volumes for which keys were given; never a key
	Parts     []ReportPart       `json:"parts"`
	Redacted  int                `json:"redacted"` // how many secrets were replaced
	Recording *machine.Recording `json:"recording"`
}

// Save writes the report, compressed.
func (r *Report) Save(w io.Writer) error {
	z := gzip.NewWriter(w)
	enc := json.NewEncoder(z)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	return nil
}

// reportLimits bound what is taken for a report: a file of anyone's, of some KiB, can
// unpack to anything.
type reportLimits struct{ bytes, objects int }

// The largest machines need a tenth of these.
var usualLimits = reportLimits{bytes: 256 << 20, objects: 4 << 20}

// LoadReport reads what Save wrote.
func LoadReport(from io.Reader) (*Report, error) { return usualLimits.load(from) }

func (l reportLimits) load(from io.Reader) (*Report, error) {
	data, err := l.unpack(from)
	if err != nil {
		return nil, fmt.Errorf("cannot read the report: %w", err)
	}
	r, err := l.parse(data)
	if err != nil {
		return nil, fmt.Errorf("cannot read the report: %w", err)
	}
	return r, nil
}

func (l reportLimits) unpack(from io.Reader) ([]byte, error) {
	z, err := gzip.NewReader(from)
	if err != nil {
		return nil, fmt.Errorf("it is no report of salvor: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(z, int64(l.bytes)+1))
	if err == nil && len(data) > l.bytes {
		err = fmt.Errorf("it unpacks to more than %d MiB", l.bytes>>20)
	}
	return data, err
}

func (l reportLimits) parse(data []byte) (*Report, error) {
	if bytes.Count(data, []byte("{")) > l.objects {
		return nil, fmt.Errorf("it has more than %d entries", l.objects)
	}
	var head struct {
		Version int `json:"salvor_report"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("it is no report of salvor: %w", err)
	}
	if head.Version != reportVersion {
		return nil, fmt.Errorf("its version is %d, known is %d", head.Version, reportVersion)
	}
	r := new(Report)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, err
	}
	if r.Recording == nil {
		return nil, errors.New("there is no recording in it")
	}
	return r, nil
}
