package certificates

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
)

// TestTicketsWhenTheClockIsSet sets the clock far forward, and back: tickets of another time are good for nothing and do no
// harm, and those of the same time are as good as before.
func TestTicketsWhenTheClockIsSet(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Truncate(time.Hour).Add(time.Minute)
	s := w.open(&config.TLS{Certificates: []config.Certificate{w.pair("a", root.Server("P-256", []string{"a.example"}))}})
	at := func() tls.ClientSessionCache { return tls.NewLRUClientSessionCache(1) }
	here, there := at(), at()
	resumes := func(what string, cache tls.ClientSessionCache, want bool) {
		t.Helper()
		client := trust(root, "a.example")
		client.ClientSessionCache = cache
		state, err := shake(client, serverConfig(s))
		if err != nil || state.DidResume != want {
			t.Errorf("%s: resumed %v, %v", what, state.DidResume, err)
		}
	}
	before := *s.Tickets().Current()
	resumes("at first", here, false)
	resumes("and again", here, true)
	for _, d := range []time.Duration{400 * 24 * time.Hour, -400 * 24 * time.Hour} {
		w.pass(d)
		s.Look()
		resumes("another time", there, false)
		resumes("and again", there, true)
		w.pass(-d)
		s.Look()
		resumes("a ticket of another time", there, false)
		resumes("back again", here, true)
	}
	if now := *s.Tickets().Current(); !slices.Equal(now, before) {
		t.Error("the same time has other keys")
	}
}

// TestKeys tells since when keys are in use, before and after they are made again.
func TestKeys(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Truncate(time.Hour).Add(time.Minute)
	began := w.now.Truncate(time.Hour)
	c := &config.TLS{
		Certificates: []config.Certificate{w.pair("a", root.Server("P-256", []string{"a.example"}))},
		Tickets:      config.Tickets{Rotate: time.Hour, Keep: 2},
	}
	s := w.open(c)
	if k := s.Keys(); !k.Tickets.Equal(began) || !k.ECH.IsZero() {
		t.Errorf("%+v, want %v", k, began)
	}
	w.pass(30 * time.Minute)
	s.Look()
	if k := s.Keys(); !k.Tickets.Equal(began) {
		t.Errorf("half an hour later: %+v, want %v", k, began)
	}
	w.pass(time.Hour)
	s.Look()
	if k := s.Keys(); !k.Tickets.Equal(began.Add(time.Hour)) {
		t.Errorf("another hour later: %+v, want %v", k, began.Add(time.Hour))
	}
	off := w.open(&config.TLS{Certificates: c.Certificates, Tickets: config.Tickets{Off: true}})
	if k := off.Keys(); !k.Tickets.IsZero() {
		t.Errorf("without tickets: %+v", k)
	}
}

// TestResumption resumes sessions with tickets of before a rotation, of another server, and not of strangers.
func TestResumption(t *testing.T) {
	secret := strings.Repeat("a fleet's secret", 3)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		w := newWorld(t)
		w.now = w.now.Truncate(time.Hour).Add(time.Minute)
		pair := w.pair("a", root.Server("P-256", []string{"a.example"}))
		w.write("secret", []byte(secret+"\n"))
		file := w.file("secret")
		of := func(tickets config.Tickets) *Set {
			tickets.Rotate, tickets.Keep = time.Hour, 2
			return w.open(&config.TLS{Certificates: []config.Certificate{pair}, Tickets: tickets})
		}
		one, two, own, off := of(config.Tickets{File: &file}), of(config.Tickets{Secret: secret}), of(config.Tickets{}), of(config.Tickets{Off: true})
		client := trust(root, "a.example")
		client.MinVersion, client.MaxVersion = version, version
		resumes := func(what string, s *Set, want bool) {
			t.Helper()
			server := serverConfig(s)
			server.SessionTicketsDisabled = s.Tickets().Current() == nil
			state, err := shake(client, server)
			if err != nil || state.DidResume != want {
				t.Errorf("%x %s: resumed %v, %v", version, what, state.DidResume, err)
			}
		}
		client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		resumes("the first time", one, false)
		resumes("the same server", one, true)
		resumes("another server with the secret", two, true)
		w.pass(time.Hour)
		one.Look()
		resumes("after a rotation", one, true)
		// Its tickets are of a key that the other server, whose clock is behind, knows already.
		resumes("a server whose clock is behind", two, true)
		w.pass(3 * time.Hour)
		two.Look()
		resumes("when the key is gone", two, false)
		own.Look()
		resumes("a server with a secret of its own", own, false)
		resumes("the same again", own, true)

		next, err := Open(Options{
			Config: &config.TLS{Certificates: []config.Certificate{pair}, Tickets: config.Tickets{Rotate: time.Hour, Keep: 2}}, ReadFile: one.read, Now: w.clock, Previous: own,
		})
		if err != nil {
			t.Fatal(err)
		}
		resumes("after a reload", next, true)
		resumes("tickets off", off, false)

		w.put("secret", []byte(strings.Repeat("another secret!!", 3)))
		before := one.Tickets().Current()
		look(one)
		if one.Tickets().Current() == before {
			t.Error("another secret makes no other keys")
		}
		w.put("secret", []byte("short"))
		before = one.Tickets().Current()
		look(one)
		if said := w.heard(); one.Tickets().Current() != before || !strings.Contains(said, "the old ones stay") {
			t.Errorf("a secret that is too short: %q", said)
		}
	}
}
