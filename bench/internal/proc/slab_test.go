package proc

import (
	"maps"
	"testing"
)

func TestParseSlabs(t *testing.T) {
	const text = "slabinfo - version: 2.1\n" +
		"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables\n" +
		"TCP                   10     28   2368   13    8 : tunables    0    0    0 : slabdata      2      2      0\n" +
		"filp                1000   1280    256   16    1 : tunables    0    0    0 : slabdata     80     80      0\n"
	before := parseSlabs(text)
	if want := (Slabs{"TCP": 23_680, "filp": 256_000}); !maps.Equal(before, want) {
		t.Fatalf("slabs %v, want %v", before, want)
	}
	growth := Slabs{"TCP": 25_680, "filp": 256_100, "new": 64}.Sub(before)
	if growth.Sum() != 2000+100+64 || growth["TCP"] != 2000 {
		t.Errorf("growth %v", growth)
	}
	if sum := Slabs(nil).Sub(nil).Sum(); sum != 0 {
		t.Errorf("nothing grows by %d", sum)
	}
}
