package certificate

import (
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"strconv"
	"time"
)

// maxAuthorities bounds the authorities of a file, whose names the server sends to each client that it asks.
const maxAuthorities = 1000

// Authorities are the certificates that vouch for others: for clients, or for upstreams.
type Authorities struct {
	Pool *x509.CertPool
	// List are the certificates, each of them once.
	List []*x509.Certificate
	// Digest tells sets apart, whatever the order in their files.
	Digest [sha256.Size]byte
}

// ParseAuthorities reads a file of authorities that vouch for clients.
func ParseAuthorities(data []byte, now time.Time) (*Authorities, Problems) {
	return parseAuthorities(data, now, "clients", "authorities: those that vouch for clients, not all that there are")
}

// ParseRoots reads a file of authorities that vouch for upstreams.
func ParseRoots(data []byte, now time.Time) (*Authorities, Problems) {
	return parseAuthorities(data, now, "upstreams", "authorities")
}

func parseAuthorities(data []byte, now time.Time, whom, most string) (*Authorities, Problems) {
	var ps Problems
	wantAuthorities := "a PEM file with the certificates of the authorities that vouch for " + whom
	list := blocks(data)
	if len(list) == 0 {
		is, cure := foreign(data)
		ps.fail(Chain, "the file of authorities "+is, wantAuthorities+cure)
		return nil, ps
	}
	a := &Authorities{Pool: x509.NewCertPool()}
	var digests [][sha256.Size]byte
	for i, b := range list {
		if b.Type != typeCertificate {
			ps.fail(Chain, "the file of authorities holds "+strconv.Quote(b.Type)+", which is no certificate", wantAuthorities)
			return nil, ps
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			ps.fail(Chain, "certificate "+strconv.Itoa(i+1)+" of the file cannot be read: "+err.Error(), wantAuthorities)
			return nil, ps
		}
		if digest := sha256.Sum256(c.Raw); !slices.Contains(digests, digest) {
			a.List, digests = append(a.List, c), append(digests, digest)
			a.Pool.AddCert(c)
		}
		if !c.IsCA {
			ps.warn(Chain, "the certificate of "+describe(c)+" is not one of an authority: it vouches for itself only", wantAuthorities)
		}
		if !now.IsZero() && now.After(c.NotAfter) {
			ps.warn(Chain, "the authority "+describe(c)+" has expired on "+day(c.NotAfter)+": "+whom+" that it vouches for are refused", "the authority's new certificate")
		}
	}
	if len(a.List) > maxAuthorities {
		ps.fail(Chain, "the file holds "+strconv.Itoa(len(a.List))+" authorities", "at most "+strconv.Itoa(maxAuthorities)+" "+most)
		return nil, ps
	}
	slices.SortFunc(digests, func(x, y [sha256.Size]byte) int { return slices.Compare(x[:], y[:]) })
	h := sha256.New()
	for _, d := range digests {
		h.Write(d[:])
	}
	h.Sum(a.Digest[:0])
	return a, ps
}
