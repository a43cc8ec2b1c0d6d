package ondisk

import "strings"

// Swap is swap space, or a hibernation image in it.
type Swap struct {
	ID
	Version  int // 0 (SWAP-SPACE) or 1 (SWAPSPACE2)
	PageSize int // of the machine that made it
	Pages    uint32
	// Hibernated tells that a suspended system lies in it. Resuming, after
	// its file systems were changed, destroys them.
	Hibernated bool
	Image      string // the image's magic: "S1SUSPEND", "LINHIB0001", "TuxOnIce"…
}

// Format implements Signature.
func (s *Swap) Format() string {
	if s.Hibernated {
		return "swsuspend"
	}
	return "swap"
}

// The magic stands at the end of the first page; pages have been of these
// sizes on one machine or another. The kernel puts an image's magic in the
// same place and keeps the old one inside (kernel/power/swap.c).
var (
	swapPages  = []int64{4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10}
	swapMagics = []string{"SWAPSPACE2", "SWAP-SPACE"}
	swapImages = []string{"S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001"}
)

const tuxOnIceMagic = "\xed\xc3\x02\xe9\x98\x56\xe5\x0c"

func findHibernated(d *device) (Signature, error) {
	for _, page := range swapPages {
		b := d.at(page-10, 10)
		for _, magic := range swapImages {
			if b != nil && strings.HasPrefix(string(b), magic) {
				return swapHeader(d, page, 1, magic)
			}
		}
	}
	if d.has(0, tuxOnIceMagic) {
		return swapHeader(d, pageSize, 1, "TuxOnIce")
	}
	return nil, nil
}

func findSwap(d *device) (Signature, error) {
	if d.has(0, tuxOnIceMagic) {
		return nil, nil // it keeps a valid swap header at the end of the page
	}
	for _, page := range swapPages {
		switch b := d.at(page-10, 10); {
		case b == nil:
		case string(b) == swapMagics[0]:
			return swapHeader(d, page, 1, "")
		case string(b) == swapMagics[1]:
			return &Swap{PageSize: int(page)}, nil // version 0 has no header
		}
	}
	return nil, nil
}

// swapHeader reads what mkswap writes at 1024 (kernel: include/linux/swap.h,
// union swap_header), in the byte order of the machine that made it.
func swapHeader(d *device, page int64, version int, image string) (Signature, error) {
	s := &Swap{Version: version, PageSize: int(page), Hibernated: image != "", Image: image}
	b := d.at(1024, 512)
	if b == nil {
		return nil, nil
	}
	var order interface{ Uint32([]byte) uint32 } = le
	if le.Uint32(b) != 1 {
		order = be
	}
	s.Pages = order.Uint32(b[4:])
	if image == "" && (order.Uint32(b) != 1 || s.Pages == 0) {
		return nil, damaged("swap: the version or the number of pages is wrong", 1024)
	}
	s.UUID, s.Label = uuidString(b[12:28]), label(b[28:44])
	return s, nil
}
