package certificates

import (
	"fmt"

	"github.com/anygate/anygate/tlsedge/certificate"
)

// Authorities reads a file of those who vouch for clients.
func Authorities(name string, read func(string) ([]byte, error)) (*certificate.Authorities, error) {
	text, err := read(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %s", name, cause(err))
	}
	// Dates are told of where the configuration is read.
	a, problems := certificate.ParseAuthorities(text, never)
	if a == nil {
		return nil, fmt.Errorf("%s: %w", name, problems)
	}
	return a, nil
}
