package policy

// Compress codes responses on the fly as Accept-Encoding allows: compress, or compress off.
type Compress struct {
	Off bool
}

var _ Policy = Compress{}

// Name returns "compress".
func (Compress) Name() string { return "compress" }

// Available says that this version codes content.
func (Compress) Available() bool { return true }

// Slot is the same for all.
func (Compress) Slot() string { return "compress" }

// String writes the canonical line.
func (c Compress) String() string {
	if c.Off {
		return "compress off"
	}
	return "compress"
}

func parseCompress(w *words) (Policy, *Error) {
	item, ok := w.next()
	if ok && item.Text != "off" {
		return nil, w.unexpected(item, "off")
	}
	return Compress{Off: ok}, nil
}
