package pack

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Progress is how far a run is.
type Progress struct {
	FormsDone, Forms int
	WorkDone, Work   int64
	Name             string // of the last form
}

// Bar draws progress on one line of a terminal.
type Bar struct {
	w     io.Writer
	width int
	drawn bool
}

// NewBar makes a bar, or nil, which draws nothing, if w is no terminal.
func NewBar(w io.Writer) *Bar {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return nil
	}
	return &Bar{w: w, width: int(size.Col)}
}

// blocks is the length of the bar, leastWidth that of a line worth drawing on.
const (
	blocks     = 24
	leastWidth = blocks + 16
)

// Draw shows progress in the place of what was shown before.
func (b *Bar) Draw(p Progress) {
	if b == nil || p.Forms == 0 {
		return
	}
	fmt.Fprintf(b.w, "\r\x1b[K%s", line(p, b.width))
	b.drawn = true
}

// Close clears the line.
func (b *Bar) Close() {
	if b != nil && b.drawn {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}

// line is the bar as text, not longer than the terminal is wide.
func line(p Progress, width int) string {
	if width == 0 {
		width = 80
	}
	share := 1.0
	if p.Work > 0 {
		share = float64(p.WorkDone) / float64(p.Work)
	}
	if width < leastWidth {
		return fmt.Sprintf("%3.0f%%", 100*share)
	}
	full := int(share * blocks)
	s := fmt.Sprintf("[%s%s] %3.0f%%  %d/%d  ", strings.Repeat("#", full), strings.Repeat(".", blocks-full), 100*share, p.FormsDone, p.Forms)
	// Names may hold anything, also what a terminal would obey.
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, p.Name)
	runes := []rune(name)
	if room := width - 1 - len(s); len(runes) > room {
		runes = runes[:max(room, 0)]
	}
	return s + string(runes)
}
