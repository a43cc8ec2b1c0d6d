package machine

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// recordingVersion is raised when older programs would read a recording wrongly.
const recordingVersion = 2

// Recording is what a machine answered, question by question. A machine changes
// while it is worked on, and it is changed by acts: programs that are run, flags
// that are set, mounts. A moment is what lies between one act and the next, and an
// answer holds from the moment at which it was given until the question is answered
// otherwise. So a replay that looks more often than the recorded work did, or does
// not do all that it did, still sees the machine as it was after the acts that it
// did.
type Recording struct {
	started time.Time
	euid    int
	asked   *ledger
}

// recordingFile is the JSON form of a Recording.
type recordingFile struct {
	Version   int       `json:"version"`
	Started   time.Time `json:"started"`
	Euid      int       `json:"euid"`
	Questions *ledger   `json:"questions"`
}

// MarshalJSON gives the recording sorted by question: equal recordings give equal
// bytes.
func (r *Recording) MarshalJSON() ([]byte, error) {
	return json.Marshal(recordingFile{recordingVersion, r.started, r.euid, r.asked})
}

// UnmarshalJSON refuses what MarshalJSON could not have written.
func (r *Recording) UnmarshalJSON(data []byte) error {
	file := recordingFile{Questions: newLedger()}
	if err := json.Unmarshal(data, &file); err != nil {
		return fmt.Errorf("cannot read the recording: %w", err)
	}
	if file.Version != recordingVersion {
		return fmt.Errorf("cannot read the recording: its version is %d, known is %d", file.Version, recordingVersion)
	}
	if file.Questions == nil {
		file.Questions = newLedger()
	}
	*r = Recording{file.Started, file.Euid, file.Questions}
	return nil
}

// Save writes the recording as JSON.
func (r *Recording) Save(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("cannot save the recording: %w", err)
	}
	return nil
}

// LoadRecording reads what Save wrote. How much it reads is up to from.
func LoadRecording(from io.Reader) (*Recording, error) {
	r := new(Recording)
	if err := json.NewDecoder(from).Decode(r); err != nil {
		return nil, fmt.Errorf("cannot read the recording: %w", err)
	}
	return r, nil
}

// Contents says how much of which kind is in a recording.
type Contents struct {
	Commands int   // programs that were run
	Files    int   // files that were read, those in systems that were looked at among them
	Devices  int   // block devices that were read
	Bytes    int64 // that were read of them and kept
}

// Contents counts.
func (r *Recording) Contents() Contents {
	var c Contents
	r.asked.each(func(verb string, list []given) {
		c.count(verb, list)
		for i := range list {
			if tree := list[i].Tree; tree != nil {
				tree.each(c.count)
			}
		}
	})
	return c
}

func (c *Contents) count(verb string, list []given) {
	if len(list) == 0 || list[len(list)-1].Error != nil {
		return
	}
	switch last := list[len(list)-1]; {
	case verb == "run":
		c.Commands++
	case verb == "read", verb == "open" && last.Content != nil && last.Sector == 0:
		c.Files++
	case verb == "open" && last.Content != nil:
		c.Devices++
		for i := range list {
			c.Bytes += list[i].Content.known()
		}
	}
}
