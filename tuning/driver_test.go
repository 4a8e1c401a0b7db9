package tuning

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestStructuresOfEthtool compares sizes with linux/ethtool.h: the kernel writes as much.
func TestStructuresOfEthtool(t *testing.T) {
	for _, c := range []struct {
		name       string
		size, want uintptr
	}{
		{"ethtool_value", unsafe.Sizeof(ethtoolValue{}), 8},
		{"ethtool_ringparam", unsafe.Sizeof(ethtoolRings{}), 36},
		{"ethtool_channels", unsafe.Sizeof(ethtoolChannels{}), 36},
		{"ethtool_coalesce", unsafe.Sizeof(ethtoolCoalesce{}), 92},
		{"ethtool_gstrings", unsafe.Offsetof(ethtoolStrings{}.names), 12},
		{"ethtool_gfeatures", unsafe.Offsetof(ethtoolFeatures{}.blocks), 8},
		{"ethtool_sset_info", unsafe.Offsetof(ethtoolSets{}.length), 16},
		{"ifreq", unsafe.Sizeof(ethtoolRequest{}), unix.IFNAMSIZ + 24},
	} {
		if c.size != c.want {
			t.Errorf("%s has %d bytes, not %d", c.name, c.size, c.want)
		}
	}
}

// TestLoopbackDriver asks the one interface that every machine has.
func TestLoopbackDriver(t *testing.T) {
	l, err := readLink("lo")
	must(t, err)
	for _, name := range []string{"gro", "gso", "tso", "lro", "tls-hw-tx-offload"} {
		if _, known := l.Features[name]; !known {
			t.Errorf("%s is not known: %+v", name, l.Features)
		}
	}
	if !l.Features["gso"] {
		t.Error("loopback has no gso")
	}
	// What the kernel does itself can be changed, and loopback's device merges nothing.
	if slices.Contains(l.Fixed, "gro") || !slices.Contains(l.Fixed, "lro") {
		t.Errorf("fixed are %q", l.Fixed)
	}
	if l.Rings != nil || l.Channels != nil {
		t.Errorf("loopback has rings or queues: %+v", l)
	}
	if _, err := readLink("no-such-link"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("%v", err)
	}
}

// TestRealQdiscs wants an answer of the kernel, for each interface that is up.
func TestRealQdiscs(t *testing.T) {
	all, err := readQdiscs()
	must(t, err)
	t.Logf("%v", all)
	for _, n := range Local().interfaces() {
		if len(all[n.name]) == 0 {
			t.Errorf("%s has no queueing discipline", n.name)
		}
	}
}

func TestParseQdisc(t *testing.T) {
	message := func(index uint32, attributes ...byte) []byte {
		b := make([]byte, trafficMessage)
		binary.NativeEndian.PutUint32(b[trafficInterface:], index)
		return append(b, attributes...)
	}
	attribute := func(kind uint16, text string) []byte {
		b := make([]byte, 4, 16)
		binary.NativeEndian.PutUint16(b, uint16(4+len(text)+1))
		binary.NativeEndian.PutUint16(b[2:], kind)
		b = append(append(b, text...), 0)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
		return b
	}
	tests := []struct {
		name  string
		bytes []byte
		index int32
		kind  string
		ok    bool
	}{
		{"a kind", message(2, attribute(unix.TCA_KIND, "fq_codel")...), 2, "fq_codel", true},
		{"a kind behind another attribute", message(3, slices.Concat(attribute(9, "abc"), attribute(unix.TCA_KIND, "fq"))...), 3, "fq", true},
		{"one that queues nothing", message(3, attribute(unix.TCA_KIND, "clsact")...), 3, "clsact", false},
		{"no kind", message(3, attribute(9, "abc")...), 0, "", false},
		{"too short", message(3)[:8], 0, "", false},
		{"an attribute longer than the message", message(3, 200, 0, 1, 0), 0, "", false},
		{"an attribute of no length", message(3, 0, 0, 1, 0), 0, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			index, kind, ok := parseQdisc(tt.bytes)
			if index != tt.index || kind != tt.kind || ok != tt.ok {
				t.Errorf("%d %q %v", index, kind, ok)
			}
		})
	}
}
