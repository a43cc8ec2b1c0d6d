package layout

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"salvor/internal/storage"
)

// Digest is what binds images and backups to a layout: the sha256 of its JSON without
// what changes while the machine stays as it is: how full file systems are, whether swap
// is in use, names and links that the kernel and udev give, and the text of encrypted
// headers, which no two saves have alike. The order of lists that are sets does not count.
func Digest(l *Layout) string {
	d := copied(l, func(s string) string { return s })
	d.sort()
	d.Digest, d.Usage = "", nil
	for i := range d.Headers {
		d.Headers[i].Age = ""
	}
	for i := range d.Storage.Disks {
		d.Storage.Disks[i].Links = nil
	}
	for i := range d.Storage.Swaps {
		d.Storage.Swaps[i].Active = false
	}
	d.Storage.nodes(func(_ string, _ storage.ID, n *Node) {
		if n != nil {
			n.Device = ""
		}
	})
	// What a sentence says may be said better by another version of salvor; and it may
	// name devices.
	for i := range d.Uncovered {
		d.Uncovered[i].What, d.Uncovered[i].Why = "", ""
	}
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Sprintf("internal error: %v", err) // a layout is made of texts and numbers
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
