package tlsedge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"
	"io"

	"github.com/anygate/anygate/engine"
)

// job is a signature to be made, or a chain of certificates to be verified. A worker
// has it between submit and Signed; the fields that it does not write may be read by the
// shard all the time.
type job struct {
	edge   *Edge
	conn   engine.Conn
	key    crypto.Signer
	rand   io.Reader
	digest []byte
	opts   crypto.SignerOpts

	verification *verification // nil for a signature

	signature []byte
	err       error
	done      bool // the shard's
	gone      bool // the shard's: nobody waits for it
}

// errPanicked is the outcome of a key whose Sign panics.
var errPanicked = errors.New("the key's signer has panicked")

func (j *job) run() {
	defer func() {
		switch {
		case recover() == nil:
		case j.verification != nil:
			j.err = errVerification
		default:
			j.err = errPanicked
		}
	}()
	if j.verification != nil {
		j.err = j.verification.run()
		return
	}
	j.signature, j.err = j.key.Sign(j.rand, j.digest, j.opts)
}

// errBusy refuses a handshake: so many wait for workers that this one would wait in
// vain.
var errBusy = errors.New("too many handshakes wait for workers")

// signer is a key whose signatures are made by Workers while the handshake that needs
// one is left.
type signer struct {
	edge *Edge
	key  crypto.Signer
}

var _ crypto.Signer = (*signer)(nil)

func (s *signer) Public() crypto.PublicKey { return s.key.Public() }

// Sign waits, in the coroutine of a handshake, for a worker's signature.
func (s *signer) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	e := s.edge
	f := e.running
	if f == nil {
		return s.key.Sign(rand, digest, opts)
	}
	j := &job{edge: e, conn: f.conn.name, key: s.key, rand: rand, digest: digest, opts: opts}
	err := e.await(f, j)
	return j.signature, err
}

// await waits, in the coroutine of a handshake, until a worker has done a job.
func (e *Edge) await(f *flight, j *job) error {
	if !e.submit(j) {
		e.stats.Unsigned++
		return errBusy
	}
	for !j.done {
		f.conn.stuck = true
		if !f.wait() {
			j.gone = true
			return errAborted
		}
	}
	return j.err
}

// submit hands a job to the workers, or keeps it until one that the shard has given
// them is done.
func (e *Edge) submit(j *job) bool {
	if e.signing < signaturesMost {
		if !e.workers.submit(j) {
			return false
		}
		e.signing++
		return true
	}
	if len(e.unsigned) >= unsignedMost {
		return false
	}
	e.unsigned = append(e.unsigned, j)
	return true
}

// Signed takes a job that is done.
func (e *Edge) Signed(v any) {
	e.signing--
	j := v.(*job)
	if j.verification != nil {
		e.stats.Verifications++
	} else {
		e.stats.Signatures++
	}
	e.finish(j)
	k := 0
	for ; k < len(e.unsigned) && e.signing < signaturesMost; k++ {
		next := e.unsigned[k]
		switch {
		case next.gone:
		case e.workers.submit(next):
			e.signing++
		default:
			next.err = errBusy
			e.finish(next)
		}
	}
	n := copy(e.unsigned, e.unsigned[k:])
	clear(e.unsigned[n:])
	e.unsigned = e.unsigned[:n]
}

// finish goes on with the handshake that waits for a job.
func (e *Edge) finish(j *job) {
	if j.done = true; !j.gone {
		e.s.Nudge(j.conn)
	}
}

// quick reports whether a key signs in less than a tenth of a millisecond, so that
// to hand it over would take longer.
func quick(key crypto.Signer) bool {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		return k.Curve == elliptic.P256()
	case ed25519.PrivateKey:
		return true
	}
	return false
}
