package discovery

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// question is what a name server is asked.
type question struct {
	name dnsmessage.Name
	kind dnsmessage.Type
}

// newQuestion makes one; the name has a trailing dot.
func newQuestion(name string, kind dnsmessage.Type) (question, error) {
	n, err := dnsmessage.NewName(name)
	if err != nil || !isName(name) {
		return question{}, notFound(name)
	}
	return question{n, kind}, nil
}

// isName reports whether labels are there and within their length (RFC 1035,
// section 2.3.4).
func isName(name string) bool {
	if len(name) < 2 || len(name) > 254 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if len(label) == 0 || len(label) > 63 {
			return false
		}
	}
	return true
}

// pack makes the message of a question, behind two bytes for the length that
// TCP wants.
func (q question) pack(id uint16, edns bool) ([]byte, error) {
	b := dnsmessage.NewBuilder(make([]byte, 2, 2+512), dnsmessage.Header{ID: id, RecursionDesired: true})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(dnsmessage.Question{Name: q.name, Type: q.kind, Class: dnsmessage.ClassINET}); err != nil {
		return nil, err
	}
	if edns {
		if err := b.StartAdditionals(); err != nil {
			return nil, err
		}
		var h dnsmessage.ResourceHeader
		if err := h.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, false); err != nil {
			return nil, err
		}
		if err := b.OPTResource(h, dnsmessage.OPTResource{}); err != nil {
			return nil, err
		}
	}
	m, err := b.Finish()
	if err != nil {
		return nil, err
	}
	m[0], m[1] = byte((len(m)-2)>>8), byte(len(m)-2)
	return m, nil
}

// reply is a name server's answer to a question.
type reply struct {
	header  dnsmessage.Header
	records []record
	empty   bool // neither answers nor a hint at who would know
}

// record is one of the answers.
type record struct {
	name   string
	kind   dnsmessage.Type
	ttl    uint32 // seconds
	addr   netip.Addr
	target string // of a CNAME or SRV

	priority, weight, port uint16
}

// errOther is a message that does not answer the question.
var errOther = errors.New("the message is not an answer to the question")

// parse reads a message. The error is errOther if it is to be ignored.
func (q question) parse(id uint16, message []byte) (*reply, error) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil || !header.Response || header.ID != id {
		return nil, errOther
	}
	asked, err := p.Question()
	switch {
	case errors.Is(err, dnsmessage.ErrSectionDone) && header.RCode != dnsmessage.RCodeSuccess:
		// A server that could not read the question need not repeat it.
	case err != nil || asked.Type != q.kind || asked.Class != dnsmessage.ClassINET || !strings.EqualFold(asked.Name.String(), q.name.String()):
		return nil, errOther
	}
	r := &reply{header: header}
	if header.Truncated || header.RCode != dnsmessage.RCodeSuccess {
		return r, nil
	}
	if err := p.SkipAllQuestions(); err != nil {
		return nil, err
	}
	for len(r.records) < maxRecords {
		err := r.next(&p)
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the answer cannot be read: %w", err)
		}
	}
	if len(r.records) == 0 {
		_, err := p.AuthorityHeader()
		r.empty = err != nil
	}
	return r, nil
}

// next reads one answer.
func (r *reply) next(p *dnsmessage.Parser) error {
	h, err := p.AnswerHeader()
	if err != nil {
		return err
	}
	rec := record{name: h.Name.String(), kind: h.Type, ttl: h.TTL}
	if rec.ttl > 1<<31-1 {
		rec.ttl = 0 // RFC 2181, section 8
	}
	if h.Class != dnsmessage.ClassINET {
		return p.SkipAnswer()
	}
	switch h.Type {
	case dnsmessage.TypeA:
		body, err := p.AResource()
		if err != nil {
			return err
		}
		rec.addr = netip.AddrFrom4(body.A)
	case dnsmessage.TypeAAAA:
		body, err := p.AAAAResource()
		if err != nil {
			return err
		}
		rec.addr = netip.AddrFrom16(body.AAAA).Unmap()
	case dnsmessage.TypeCNAME:
		body, err := p.CNAMEResource()
		if err != nil {
			return err
		}
		rec.target = body.CNAME.String()
	case dnsmessage.TypeSRV:
		body, err := p.SRVResource()
		if err != nil {
			return err
		}
		rec.target, rec.priority, rec.weight, rec.port = body.Target.String(), body.Priority, body.Weight, body.Port
	default:
		return p.SkipAnswer()
	}
	r.records = append(r.records, rec)
	return nil
}
