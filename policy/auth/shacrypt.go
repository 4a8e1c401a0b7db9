package auth

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// shaCrypt is a hash of SHA-crypt, as U. Drepper has specified it ("Unix crypt
// using SHA-256 and SHA-512", version 0.6): $5$ or $6$, a salt, and the sum of
// as many rounds as the hash says.
type shaCrypt struct {
	new    func() hash.Hash
	order  []byte // which bytes of the sum make up the digits, in threes
	rounds int
	salt   []byte
	digits string
}

const (
	usualRounds = 5000
	leastRounds = 1000
	maxSalt     = 16
)

func parseSHACrypt(value string) (*shaCrypt, error) {
	c := &shaCrypt{new: sha256.New, order: order256, rounds: usualRounds}
	size := 43
	if value[1] == '6' {
		c.new, c.order, size = sha512.New, order512, 86
	}
	rest := value[3:]
	if after, ok := strings.CutPrefix(rest, "rounds="); ok {
		number, after, _ := strings.Cut(after, "$")
		n, err := strconv.Atoi(number)
		switch {
		case err != nil || n < leastRounds:
			return nil, errors.New("the rounds of its hash are no number from 1000 on" + cure)
		case n > maxRounds:
			return nil, fmt.Errorf("its hash has %d rounds, and takes more than the %d that are allowed", n, maxRounds)
		}
		c.rounds, rest = n, after
	}
	salt, digits, ok := strings.Cut(rest, "$")
	if !ok || len(digits) != size {
		return nil, errors.New("its hash is damaged" + cure)
	}
	c.salt, c.digits = []byte(salt[:min(len(salt), maxSalt)]), digits
	return c, nil
}

func (c *shaCrypt) matches(password []byte) bool {
	return subtle.ConstantTimeCompare([]byte(c.digits), c.sum(password)) == 1
}

// sum follows the steps of the specification, whose numbers are in brackets.
func (c *shaCrypt) sum(password []byte) []byte {
	h := c.new()
	write := func(parts ...[]byte) {
		for _, p := range parts {
			_, _ = h.Write(p)
		}
	}
	write(password, c.salt, password) // [4-8]
	b := h.Sum(nil)

	h.Reset()
	write(password, c.salt, stretch(b, len(password))) // [1-3, 9-10]
	for n := len(password); n > 0; n >>= 1 {           // [11]
		if n&1 != 0 {
			write(b)
		} else {
			write(password)
		}
	}
	a := h.Sum(nil)

	h.Reset() // [13-16]
	for range len(password) {
		write(password)
	}
	p := stretch(h.Sum(nil), len(password))

	h.Reset() // [17-20]
	for range 16 + int(a[0]) {
		write(c.salt)
	}
	s := stretch(h.Sum(nil), len(c.salt))

	for i := range c.rounds { // [21]
		h.Reset()
		if i%2 != 0 {
			write(p)
		} else {
			write(a)
		}
		if i%3 != 0 {
			write(s)
		}
		if i%7 != 0 {
			write(p)
		}
		if i%2 != 0 {
			write(a)
		} else {
			write(p)
		}
		a = h.Sum(a[:0])
	}
	return c.encode(a)
}

// stretch repeats b to a length.
func stretch(b []byte, n int) []byte {
	return bytes.Repeat(b, n/len(b)+1)[:n]
}

// encode writes a sum with the digits of crypt [22].
func (c *shaCrypt) encode(sum []byte) []byte {
	const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var out []byte
	digits := func(w uint, n int) {
		for range n {
			out = append(out, alphabet[w&0x3f])
			w >>= 6
		}
	}
	o := c.order
	for ; len(o) >= 3; o = o[3:] {
		digits(uint(sum[o[0]])<<16|uint(sum[o[1]])<<8|uint(sum[o[2]]), 4)
	}
	if len(o) == 2 {
		digits(uint(sum[o[0]])<<8|uint(sum[o[1]]), 3)
	} else {
		digits(uint(sum[o[0]]), 2)
	}
	return out
}

// order256 and order512 are the tables of step 22.
var (
	order256 = []byte{
		0, 10, 20, 21, 1, 11, 12, 22, 2, 3, 13, 23, 24, 4, 14, 15, 25, 5, 6, 16, 26, 27, 7, 17, 18, 28, 8, 9, 19, 29,
		31, 30,
	}
	order512 = []byte{
		0, 21, 42, 22, 43, 1, 44, 2, 23, 3, 24, 45, 25, 46, 4, 47, 5, 26, 6, 27, 48, 28, 49, 7, 50, 8, 29, 9, 30, 51,
		31, 52, 10, 53, 11, 32, 12, 33, 54, 34, 55, 13, 56, 14, 35, 15, 36, 57, 37, 58, 16, 59, 17, 38, 18, 39, 60,
		40, 61, 19, 62, 20, 41, 63,
	}
)
