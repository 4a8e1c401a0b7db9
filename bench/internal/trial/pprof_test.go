package trial

import (
	"compress/gzip"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const script = `anygate
	ffffffff81a00010 tcp_sendmsg+0x10 ([kernel.kallsyms])
	          4a1b2c main.answer (/tmp/anygate)
	          4a1000 main.serve+0x1f ([[heap]])

anygate
	    7f0000000000 [unknown] (/usr/lib/libc.so.6)

anygate
	ffffffff81a00020 tcp_sendmsg+0x20 ([kernel.kallsyms])
	          4a1b2c main.answer (/tmp/anygate)
	          4a1000 main.serve+0x1f (/tmp/anygate)
`

func TestReadStacks(t *testing.T) {
	got, err := readStacks(strings.NewReader(script))
	want := map[string]int{"tcp_sendmsg\nmain.answer\nmain.serve": 2, "[unknown] /usr/lib/libc.so.6": 1}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("stacks %v, %v, want %v", got, err, want)
	}
}

// TestPprofReadsTheProfile has the tool itself read what is written for it.
func TestPprofReadsTheProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.pb.gz")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	compressed := gzip.NewWriter(file)
	if _, err := compressed.Write(encodeProfile(map[string]int{"tcp_sendmsg\nmain.answer\nmain.serve": 2, "idle\nmain.serve": 6})); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command("go", "tool", "pprof", "-top", "-cum", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(output)) {
		// flat, flat %, sum %, cum, cum %, name
		if fields := strings.Fields(line); len(fields) == 6 {
			found[fields[5]] = fields[0] + " " + fields[3]
		}
	}
	want := map[string]string{"main.serve": "0 8", "idle": "6 6", "main.answer": "0 2", "tcp_sendmsg": "2 2"}
	for name, figures := range want {
		if found[name] != figures {
			t.Errorf("%s has %q, want %q, in:\n%s", name, found[name], figures, output)
		}
	}
}
