package policy

// MTLS admits clients with a certificate that the authorities in a file vouch for, and answers others with 403:
// mtls clients.pem.
type MTLS struct {
	// File holds the certificates of the authorities, as PEM.
	File string
}

var _ Policy = MTLS{}

// Name returns "mtls".
func (MTLS) Name() string { return "mtls" }

// Available says that this version has no TLS.
func (MTLS) Available() bool { return false }

// Slot is the same for all.
func (MTLS) Slot() string { return "mtls" }

// String writes the canonical line.
func (m MTLS) String() string { return "mtls " + quote(m.File) }

func parseMTLS(w *words) (Policy, *Error) {
	item, err := w.need("the file of certificate authorities")
	if err != nil {
		return nil, err
	}
	return MTLS{item.Text}, nil
}
