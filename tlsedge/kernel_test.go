package tlsedge

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// refusing is a kernel that makes no records of some suites.
type refusing struct {
	linuxSockets
	refuse    func(info []byte) error
	uncounted rune // the suite of which it does not count the records
}

func (r refusing) attach(_ int32, info []byte) error { return r.refuse(info) }

func (r refusing) next(_ int32, info []byte) error {
	if rune(info[2]) == r.uncounted {
		return unix.EINVAL
	}
	return nil
}

func TestFindKernel(t *testing.T) {
	with := func(suites string, err error) func([]byte) error {
		return func(info []byte) error {
			if strings.Contains(suites, string('0'+rune(info[2]))) {
				return nil
			}
			return err
		}
	}
	all := string([]rune{'0' + 51, '0' + 52, '0' + 54})
	rows := []struct {
		name   string
		refuse func([]byte) error
		lacks  string
		fails  string
	}{
		{"all of it", with(all, nil), "", ""},
		{"no ChaCha20", with(all[:2], unix.ENOENT), "ChaCha20-Poly1305", ""},
		{"no AES", with(all[2:], unix.EINVAL), "AES-128-GCM, AES-256-GCM", ""},
		{"no module", with("", unix.ENOENT), "", "try modprobe tls"},
		{"not built", with("", unix.ENOENT), "", "without CONFIG_TLS"},
		{"no cipher", with("", unix.EINVAL), "", "invalid argument"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k, err := findKernel(refusing{refuse: row.refuse}, loopback)
			switch {
			case row.fails != "":
				if err == nil || !strings.Contains(err.Error(), row.fails) {
					t.Errorf("the error is %v, want %q in it", err, row.fails)
				}
			case err != nil:
				t.Error(err)
			case k.Lacks() != row.lacks:
				t.Errorf("it lacks %q, want %q", k.Lacks(), row.lacks)
			}
		})
	}
	if k, err := findKernel(refusing{refuse: with(all, nil), uncounted: 54}, loopback); err != nil || k.Lacks() != "ChaCha20-Poly1305" {
		t.Errorf("a kernel that does not count: %v", err)
	}
	none := errors.New("no connection")
	if _, err := findKernel(refusing{}, func() ([2]int, error) { return [2]int{}, none }); !errors.Is(err, none) {
		t.Errorf("the error is %v, want %v", err, none)
	}
}

// TestLoopback makes a connection, and counts what its accepted end has sent.
func TestLoopback(t *testing.T) {
	pair, err := loopback()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	b := make([]byte, 10)
	for n := uint64(1); n < 5; n++ {
		if _, err := unix.Write(pair[1], []byte("x")); err != nil {
			t.Fatal(err)
		}
		if got, err := (linuxSockets{}).taken(int32(pair[1])); got != n || err != nil {
			t.Errorf("%d bytes, %v, want %d", got, err, n)
		}
		if k, err := unix.Read(pair[0], b); k != 1 || b[0] != 'x' || err != nil {
			t.Fatalf("%q, %v", b[:max(0, k)], err)
		}
	}
	if err := (linuxSockets{}).next(int32(pair[0]), make([]byte, 40)); err == nil {
		t.Error("a connection without keys has a next record")
	}
}

// TestInfo has the layout of struct tls12_crypto_info_aes_gcm_128 and its like, on a
// machine whose least significant byte comes first.
func TestInfo(t *testing.T) {
	var h half
	copy(h.nonce[:], "salt12345678")
	copy(h.key[:], "0123456789abcdef0123456789ABCDEF")
	h.seq = 0x0102
	for _, row := range []struct {
		s    *suite
		want string
	}{
		{suiteAES128, "0403" + "3300" + text("12345678") + text("0123456789abcdef") + text("salt") + "0000000000000102"},
		{suiteAES256, "0403" + "3400" + text("12345678") + text("0123456789abcdef0123456789ABCDEF") + text("salt") + "0000000000000102"},
		{suiteChaCha20, "0403" + "3600" + text("salt12345678") + text("0123456789abcdef0123456789ABCDEF") + "0000000000000102"},
	} {
		want, err := hex.DecodeString(row.want)
		if err != nil {
			t.Fatal(err)
		}
		var buf infoBuffer
		got := row.s.info(&buf, &h)
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n%x, want\n%x", row.s.name, got, want)
		}
		if number(got) != h.seq {
			t.Errorf("%s: the number is %d", row.s.name, number(got))
		}
	}
}

func text(s string) string { return hex.EncodeToString([]byte(s)) }
