package tuning

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Coloured reports whether a writer is a terminal whose user has not declined colours (https://no-color.org).
func Coloured(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
