package certificates

import (
	"crypto/tls"

	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge"
)

// table makes what the shards choose from.
func (s *Set) table() *tlsedge.Table {
	list := make([]*tls.Certificate, len(s.pairs))
	for i, p := range s.pairs {
		list[i] = p.tls()
	}
	t := tlsedge.NewTable(list)
	switch name := s.config.Default; {
	case name == "none" || len(list) == 0:
		return t
	case name != "":
		if t.Default(name) {
			return t
		}
		s.say(telemetry.Warn, "no certificate is for the default name any more: the first one is the default", telemetry.String("name", name))
	}
	// Another certificate for the same name may be one with a key of another kind.
	if names := s.pairs[0].pair.Names; len(names) == 0 || !t.Default(names[0]) {
		t.DefaultTo(list[0])
	}
	return t
}

// names are those of all certificates, without repetitions.
func (s *Set) names() (list []string) {
	seen := make(map[string]bool)
	for _, p := range s.pairs {
		for _, n := range p.pair.Names {
			if !seen[n] {
				seen[n] = true
				list = append(list, n)
			}
		}
	}
	return list
}
