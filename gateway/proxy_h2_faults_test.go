package gateway

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anygate/anygate/proxy"
)

// faultOriginH2 is faultOrigin over HTTP/2.
func faultOriginH2(rng *rand.Rand) *origin {
	return &origin{settings: []uint32{settingStreams, 3}, serve: func(r *originRequest) {
		id := r.get("x-id")
		body := faultBody(id, r.get("x-size"), string(r.content))
		sized := []string{":status", "200", "x-id", id, "content-length", fmt.Sprint(len(body))}
		switch rng.IntN(24) {
		case 0: // no answer, and the end
			r.c.closeWrite()
		case 1:
			r.c.abort()
		case 2: // cut off
			r.head(false, sized...)
			r.send([]byte(body[:len(body)/2]), func() { r.cut(2) })
		case 3: // cut off with the connection
			r.head(false, sized...)
			r.send([]byte(body[:len(body)/2]), func() { r.c.closeWrite() })
		case 4:
			r.cut(7)
		case 5:
			r.cut(2)
		case 6:
			r.c.leave(r.stream-2, 0)
		case 7: // the last one
			r.c.leave(r.stream, 0)
			r.head(false, sized...)
			r.send([]byte(body), nil)
		case 8: // what nobody has asked for
			r.c.frame(frameData, flagEnd, r.stream+2, []byte("evil"))
		case 9:
			r.head(false, ":status", "103", "x-id", id)
			r.head(false, sized...)
			r.send([]byte(body), nil)
		case 10, 11, 12, 13, 14:
			r.head(false, ":status", "200", "x-id", id)
			r.send([]byte(body), func() { r.head(true, "x-sum", id) })
		case 15: // the answer ends before the request does, for who would know
			r.head(false, sized...)
			r.send([]byte(body), func() {
				r.c.frame(frameData, flagEnd, r.stream, nil)
				r.cut(0)
			})
		default:
			r.head(false, sized...)
			r.send([]byte(body), nil)
		}
	}}
}

// TestProxyH2Faults is TestProxyFaults with upstreams of HTTP/2, where the
// clients share connections.
func TestProxyH2Faults(t *testing.T) {
	var whole, failed, cut int
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newSimWorld(t, seed, allFaults)
			rng := rand.New(rand.NewPCG(seed, 2))
			w.settings.Header, w.settings.BodyIdle, w.settings.Write = time.Hour, time.Hour, time.Hour
			w.speaksH2(func(s *proxy.Settings) {
				if seed%3 == 0 {
					s.Limits = proxy.Limits{Connections: 2, Queue: 100}
				}
				if seed%5 == 0 {
					s.KeepAlive.Requests = 3
				}
			})
			if seed%2 == 0 {
				w.retry = retrying(2, 503)
			}
			w.upstream("a", faultOriginH2(rng).data())
			w.upstream("b", faultOriginH2(rng).data())
			w.serve("/p/: http://a http://b")
			type user struct {
				c        *client
				requests []faultRequest
				unsent   string
			}
			var users []*user
			for k := range 5 {
				u := &user{c: w.client()}
				for i := range 1 + rng.IntN(5) {
					r := newFaultRequest(rng, fmt.Sprintf("%d-%d-%d", seed, k, i))
					u.requests = append(u.requests, r)
					u.unsent += r.wire
				}
				users = append(users, u)
			}
			for k, u := range users {
				if k == 0 && seed%4 == 0 {
					continue // it goes away at some time
				}
				u.c.until("all answers have come", func(got []byte) bool {
					for _, v := range users {
						n := min(len(v.unsent), 1+rng.IntN(4000))
						v.c.peer.Write([]byte(v.unsent[:n]))
						v.unsent = v.unsent[n:]
					}
					return checkFaults(t, got, u.requests) == len(u.requests)
				})
				n := checkFaults(t, u.c.got, u.requests)
				if n < len(u.requests) {
					cut++
				}
				failed += bytes.Count(u.c.got, []byte("HTTP/1.1 50"))
				whole += n
				if k == 1 {
					users[0].c.abort()
				}
			}
		})
	}
	whole -= failed
	t.Logf("%d whole, %d failed, %d connections cut off", whole, failed, cut)
	if whole < 800 || failed < 100 || cut < 50 {
		t.Errorf("%d whole, %d failed, %d connections cut off: the faults are not what they should be", whole, failed, cut)
	}
}
