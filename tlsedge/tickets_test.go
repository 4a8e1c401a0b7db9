package tlsedge

import (
	"encoding/hex"
	"testing"
	"time"
)

// TestDeriveTicketKeys has the keys of docs/tls.md, so that another implementation can be checked against them.
func TestDeriveTicketKeys(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	now := time.Unix(1_800_000_000, 0)
	keys, err := DeriveTicketKeys(secret, now, 12*time.Hour, 3)
	if err != nil || len(keys) != 4 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	if epoch := TicketEpoch(now, 12*time.Hour); epoch != 41666 {
		t.Errorf("epoch %d", epoch)
	}
	const first = "ca7885bc683c5ff4f71b53194275ba912fb0fea37709b510db9fe3eacb15c79d"
	if got := hex.EncodeToString(keys[0][:]); got != first {
		t.Errorf("the first key is %s", got)
	}
	// In the next period, the first key is among those that decrypt, and the one that was ready for it encrypts.
	next, err := DeriveTicketKeys(secret, now.Add(12*time.Hour), 12*time.Hour, 3)
	if err != nil {
		t.Fatal(err)
	}
	if next[0] != keys[1] || next[2] != keys[0] || next[3] != keys[2] {
		t.Error("the keys of the next period are not those that were announced")
	}
	seen := map[[32]byte]bool{}
	for _, k := range keys {
		seen[k] = true
	}
	other, err := DeriveTicketKeys(secret, now, 6*time.Hour, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range other {
		seen[k] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d different keys of 8", len(seen))
	}
	if k, err := DeriveTicketKeys(secret, time.Unix(1, 0), time.Hour, 3); err != nil || len(k) != 2 {
		t.Errorf("at the beginning of time there are %d keys, %v", len(k), err)
	}
}

func TestTicketKeys(t *testing.T) {
	var none *TicketKeys
	if none.Current() != nil {
		t.Error("there are keys")
	}
	k := new(TicketKeys)
	if k.Current() != nil {
		t.Error("there are keys before there are any")
	}
	k.Replace([][32]byte{{1}})
	first := k.Current()
	k.Replace([][32]byte{{1}})
	if k.Current() == first || (*first)[0][0] != 1 {
		t.Error("a list is changed in its place")
	}
}
