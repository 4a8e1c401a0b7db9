package discovery

import (
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// FuzzParse reads whatever may come in a datagram.
func FuzzParse(f *testing.F) {
	q, err := newQuestion("a.test.", dnsmessage.TypeA)
	if err != nil {
		f.Fatal(err)
	}
	good := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, Response: true, RecursionAvailable: true},
		Questions: []dnsmessage.Question{{Name: q.name, Type: q.kind, Class: dnsmessage.ClassINET}},
		Answers: []dnsmessage.Resource{
			{Header: dnsmessage.ResourceHeader{Name: q.name, Class: dnsmessage.ClassINET, TTL: 60}, Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("b.test.")}},
			{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("b.test."), Class: dnsmessage.ClassINET, TTL: 60}, Body: &dnsmessage.AResource{A: [4]byte{10, 0, 0, 1}}},
			{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("b.test."), Class: dnsmessage.ClassINET, TTL: 60}, Body: &dnsmessage.AAAAResource{AAAA: netip.IPv6Loopback().As16()}},
			{Header: dnsmessage.ResourceHeader{Name: q.name, Class: dnsmessage.ClassCHAOS, TTL: 60}, Body: &dnsmessage.TXTResource{TXT: []string{"x"}}},
			{Header: dnsmessage.ResourceHeader{Name: q.name, Class: dnsmessage.ClassINET, TTL: 1 << 31}, Body: &dnsmessage.SRVResource{Port: 80, Target: q.name}},
		},
	}
	message, err := good.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(message)
	f.Add(message[:len(message)-3])
	f.Add(message[:12])
	f.Fuzz(func(t *testing.T, message []byte) {
		rep, err := q.parse(7, message)
		if err != nil {
			return
		}
		if len(rep.records) > maxRecords {
			t.Errorf("%d records", len(rep.records))
		}
		for _, rec := range rep.records {
			switch rec.kind {
			case dnsmessage.TypeA, dnsmessage.TypeAAAA:
				if !rec.addr.IsValid() {
					t.Errorf("a record without an address: %v", rec)
				}
			case dnsmessage.TypeCNAME, dnsmessage.TypeSRV:
				if rec.target == "" {
					t.Errorf("a record without a target: %v", rec)
				}
			default:
				t.Errorf("a record of kind %v", rec.kind)
			}
			if rec.ttl >= 1<<31 {
				t.Errorf("a TTL of %d", rec.ttl)
			}
		}
	})
}
