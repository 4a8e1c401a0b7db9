package policy

// MTLS admits clients with a certificate that the authorities in a file vouch for, and answers others with 403:
// mtls clients.pem.
type MTLS struct {
	// File holds the certificates of the authorities, as PEM.
	File string
}

var _ Filed = MTLS{}

// Name returns "mtls".
func (MTLS) Name() string { return "mtls" }

// Available says that this version asks for certificates.
func (MTLS) Available() bool { return true }

// Slot is the same for all.
func (MTLS) Slot() string { return "mtls" }

// String writes the canonical line.
func (m MTLS) String() string { return "mtls " + quote(m.File) }

// Files are the file.
func (m MTLS) Files() []string { return []string{m.File} }

// WithFiles is the policy with another name for the file.
func (m MTLS) WithFiles(rename func(string) string) Policy { return MTLS{rename(m.File)} }

func parseMTLS(w *words) (Policy, *Error) {
	item, err := w.need("the file of certificate authorities")
	if err != nil {
		return nil, err
	}
	return MTLS{item.Text}, nil
}
