package balance

import (
	"math/bits"
)

// The primes of XXH64.
const (
	prime1 = 0x9e3779b185ebca87
	prime2 = 0xc2b2ae3d27d4eb4f
	prime3 = 0x165667b19e3779f9
	prime4 = 0x85ebca77c2b2ae63
	prime5 = 0x27d4eb2f165667c5
)

// Sum is the hash of a key: XXH64 with a seed of 0. It is the same in every
// process and on every machine, so that several proxies in front of the same
// members agree on where a key belongs. That it can be foreseen, and many keys
// found that belong to one member, is what the bound on the load is for.
func Sum[T string | []byte](key T) uint64 {
	n := len(key)
	var h uint64
	if n >= 32 {
		a, b, c, d := uint64(prime1), uint64(prime2), uint64(0), uint64(0)
		a += prime2
		d -= prime1
		for ; len(key) >= 32; key = key[32:] {
			a = round(a, word(key))
			b = round(b, word(key[8:]))
			c = round(c, word(key[16:]))
			d = round(d, word(key[24:]))
		}
		h = bits.RotateLeft64(a, 1) + bits.RotateLeft64(b, 7) + bits.RotateLeft64(c, 12) + bits.RotateLeft64(d, 18)
		for _, lane := range [4]uint64{a, b, c, d} {
			h = (h^round(0, lane))*prime1 + prime4
		}
	} else {
		h = prime5
	}
	h += uint64(n)
	for ; len(key) >= 8; key = key[8:] {
		h = bits.RotateLeft64(h^round(0, word(key)), 27)*prime1 + prime4
	}
	if len(key) >= 4 {
		half := uint64(key[0]) | uint64(key[1])<<8 | uint64(key[2])<<16 | uint64(key[3])<<24
		h = bits.RotateLeft64(h^half*prime1, 23)*prime2 + prime3
		key = key[4:]
	}
	for i := range len(key) {
		h = bits.RotateLeft64(h^uint64(key[i])*prime5, 11) * prime1
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}

func round(lane, input uint64) uint64 {
	return bits.RotateLeft64(lane+input*prime2, 31) * prime1
}

func word[T string | []byte](b T) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// mix spreads each bit of a number over all: the finaliser of splitmix64. It
// is a permutation, so that different numbers stay different.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
