package chaos

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
)

// request is what a client asks for. The response to it is known beforehand.
type request struct {
	method  string
	target  string // /ID?size=N, and &chunked
	content []byte
	size    int // of the response's content
}

// identity is a checksum of everything that the member should get.
func identity(method, target string, content []byte) [32]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %d\n", method, target, len(content))
	h.Write(content)
	return [32]byte(h.Sum(nil))
}

// answer is the content of the response to the request with that identity: as good as random, and different in every
// place for different requests.
func answer(id [32]byte, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(id).Read(b) // never fails
	return b
}

// oneWrite is the size up to which a response leaves a member in one piece or not at all. The kernel has all of it at
// once, whatever becomes of the process, so that nothing of a response is never known of a request that failed.
const oneWrite = 8 << 10

// The kinds of requests.
type kind int

const (
	strict kind = iota // idempotent, with a response in one piece: must succeed
	large              // a response that a member may die in the middle of
	once               // not idempotent: may fail, must not be carried out twice
)

var kindNames = [...]string{"strict", "large", "once"}

func (k kind) String() string { return kindNames[k] }

// invent makes a request up.
func invent(r *rand.Rand, id string) (kind, request) {
	q := request{method: "GET", size: r.IntN(oneWrite - 512)}
	k := strict
	switch n := r.IntN(20); {
	case n < 10:
	case n < 14:
		// Content that is small enough to be kept for another attempt, and too large for a single receive.
		q.method, q.content = []string{"PUT", "DELETE"}[n%2], noise(r, r.IntN(48<<10))
	case n < 17:
		k, q.size = large, oneWrite+r.IntN(400<<10)
	default:
		k, q.method, q.content = once, "POST", noise(r, r.IntN(96<<10))
	}
	q.target = fmt.Sprintf("/%s?size=%d", id, q.size)
	if k == large && r.IntN(2) == 0 {
		q.target += "&chunked"
	}
	return k, q
}

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestAnswersDiffer is the test of the test: a byte more or less, or anywhere else, is another answer.
func TestAnswersDiffer(t *testing.T) {
	base := answer(identity("GET", "/1?size=64", nil), 64)
	for name, other := range map[string][32]byte{
		"method":  identity("PUT", "/1?size=64", nil),
		"target":  identity("GET", "/2?size=64", nil),
		"content": identity("GET", "/1?size=64", []byte{0}),
	} {
		same := 0
		for i, b := range answer(other, 64) {
			if b == base[i] {
				same++
			}
		}
		if same > 8 {
			t.Errorf("another %s: %d of 64 bytes are the same", name, same)
		}
	}
}
