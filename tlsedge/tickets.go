package tlsedge

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// TicketKeys are the keys of session tickets. Shards read what the control plane
// publishes.
type TicketKeys struct {
	current atomic.Pointer[[][32]byte]
}

// Current is the current list, the first one encrypts: immutable, and another
// pointer after each rotation. Nil is for none.
func (k *TicketKeys) Current() *[][32]byte {
	if k == nil {
		return nil
	}
	return k.current.Load()
}

// Replace publishes another list. From any goroutine.
func (k *TicketKeys) Replace(keys [][32]byte) { k.current.Store(&keys) }

// The words that keep these keys apart from others that may be made of the same
// secret, and MinTicketSecret, the shortest secret that is worth the name.
const (
	ticketSalt      = "anygate session tickets 1"
	MinTicketSecret = 32
)

// TicketEpoch is the number of the period of time in which a key encrypts.
func TicketEpoch(now time.Time, rotate time.Duration) uint64 {
	return uint64(now.Unix()) / uint64(rotate/time.Second)
}

// TicketPeriod is when the period with a number begins.
func TicketPeriod(epoch uint64, rotate time.Duration) time.Time {
	return time.Unix(int64(epoch*uint64(rotate/time.Second)), 0)
}

// DeriveTicketKeys makes the list of keys for a point in time out of a secret: the
// one of the present period, then that of the next one, then those of the periods
// before, keep in all without the next.
//
// All servers with the same secret have the same keys without talking to each other,
// and one whose clock is ahead by less than a period gives out tickets that the
// others understand. The key of period n is
//
//	HKDF-SHA-256(secret, salt "anygate session tickets 1", info n || seconds of a period, 32 bytes)
//
// with both numbers as 64 bits in network order (RFC 5869).
func DeriveTicketKeys(secret []byte, now time.Time, rotate time.Duration, keep int) ([][32]byte, error) {
	epoch := TicketEpoch(now, rotate)
	keys := make([][32]byte, 0, keep+1)
	add := func(n uint64) error {
		var info [16]byte
		binary.BigEndian.PutUint64(info[:8], n)
		binary.BigEndian.PutUint64(info[8:], uint64(rotate/time.Second))
		b, err := hkdf.Key(sha256.New, secret, []byte(ticketSalt), string(info[:]), 32)
		if err == nil {
			keys = append(keys, [32]byte(b))
		}
		return err
	}
	if err := add(epoch); err != nil {
		return nil, err
	}
	if err := add(epoch + 1); err != nil {
		return nil, err
	}
	for n := epoch; n > 0 && len(keys) <= keep; n-- {
		if err := add(n - 1); err != nil {
			return nil, err
		}
	}
	return keys, nil
}
