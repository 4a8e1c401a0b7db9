package control

import (
	"path/filepath"
	"testing"

	"github.com/anygate/anygate/control/privileges"
)

// TestOutsideTellsWhatIsNotThere checks that a path that Landlock cannot have let through, because there was nothing, is told as
// one that is not there, and not as one that needs to be named.
func TestOutsideTellsWhatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "there/file", "")
	cfg := parse(t, dir, "server: {landlock: {mode: on, write: ["+filepath.Join(dir, "gone")+", "+filepath.Join(dir, "there")+"]}}\nroutes: {/: OK}\n")
	err := outside(cfg, &privileges.State{Landlock: 1})
	if err == nil {
		t.Fatal("nothing is said")
	}
	wantIn(t, err.Error(), "there is no "+filepath.Join(dir, "gone"), filepath.Join(dir, "there")+" cannot be used: "+privileges.Outside)
}
