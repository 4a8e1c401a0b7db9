package gateway

import (
	"sync/atomic"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/auth"
)

// Auth is what a route asks of whoever uses it. One of Users and Tokens is set;
// what they point to is replaced when the file changes that it was read from.
type Auth struct {
	Users  *atomic.Pointer[auth.Users]
	Tokens *atomic.Pointer[auth.Tokens]
	// Field is the name of the field that holds a token, in lower case; the
	// empty one is Authorization, with the scheme Bearer.
	Field string

	challenge []byte // the field line that goes with a 401
	invalid   []byte // and that for a token that is wrong
}

// Challenge makes the field lines that tell clients what is asked for (RFC
// 9110, section 11.6.1). name is the field's as it is configured.
func (a *Auth) Challenge(name string) {
	line := func(value string) []byte { return http1.AppendField([]byte(nil), "WWW-Authenticate", value) }
	switch {
	case a.Users != nil:
		a.challenge = line(`Basic realm="restricted", charset="UTF-8"`)
	case a.Field != "":
		a.challenge = line(`ApiKey realm="restricted", header="` + name + `"`)
	default:
		a.challenge = line(`Bearer realm="restricted"`)
		a.invalid = line(`Bearer realm="restricted", error="invalid_token"`)
		return
	}
	a.invalid = a.challenge
}

// authenticate looks at the credentials of the request, and refuses it if they
// are wrong, or not there. It also reports false if that takes longer: then the
// request is dispatched again when they were found right.
func (x *Exchange) authenticate(in *Incoming, a *Auth) bool {
	value, there := a.credentials(in.Head)
	if !there {
		return x.unauthorised("credentials_missing", a.challenge)
	}
	if a.Users != nil {
		return x.checkUser(in, a, value)
	}
	if !a.Tokens.Load().Match(value) {
		return x.unauthorised("credentials_wrong", a.invalid)
	}
	x.policy.proved = true
	return true
}

// credentials finds what the request shows. A field that is there twice says
// nothing: who stands behind might read the other one.
func (a *Auth) credentials(h *http1.Request) (value []byte, ok bool) {
	if a.Field != "" {
		i := h.Find(a.Field)
		if i < 0 || h.Next(i) >= 0 {
			return nil, false
		}
		return h.Value(&h.Fields[i]), true
	}
	if value, ok = h.Get(http1.Authorization); !ok || h.Repeated(http1.Authorization) {
		return nil, false
	}
	if a.Users != nil {
		return auth.Scheme(value, "basic")
	}
	return auth.Scheme(value, "bearer")
}

func (x *Exchange) unauthorised(reason string, challenge []byte) bool {
	x.log.reason = reason
	x.answerWith(401, challenge)
	return false
}

// authCheck is a password that is being checked, with the request that waits
// for it. The hashes of passwords are slow by intent, so that it is done in the
// background; the shard hears of the result by a message. The records are used
// again.
type authCheck struct {
	x              *Exchange // nil once it has ended
	users          *auth.Users
	user, password []byte
	now            int64 // shard clock
	ok             bool  // set before the message is posted

	in   Incoming
	head http1.Request // what in.Head is
}

// checkUser looks at a user's password.
func (x *Exchange) checkUser(in *Incoming, a *Auth, token []byte) bool {
	g := x.g
	var room [auth.MaxCredentials + 4]byte
	user, password, ok := auth.Basic(room[:0], token)
	if !ok {
		return x.unauthorised("credentials_malformed", a.challenge)
	}
	r := x.remember()
	r.user = append(r.user[:0], user...)
	users := a.Users.Load()
	if users.Known(user, password, g.s.Now()) {
		x.policy.proved = true
		return true
	}
	if g.background == nil || g.rules.checking >= authChecks {
		x.log.reason = "auth_busy"
		x.busy()
		return false
	}
	c := g.newCheck()
	c.x, c.users, c.now = x, users, g.s.Now()
	c.user, c.password = append(c.user[:0], user...), append(c.password[:0], password...)
	c.in = *in
	in.Head.CopyTo(&c.head)
	c.in.Head = &c.head
	r.check = c
	g.rules.checking++
	s := g.s
	g.background(c.run, func() bool { return s.Post(engine.Message{Kind: messageAuth, Value: c}) })
	return false
}

// run is what is done in the background, by as many at a time as authSlots has
// room for. A password that another request has brought meanwhile is known by
// the time that it is this one's turn.
func (c *authCheck) run() {
	authSlots <- struct{}{}
	c.ok = c.users.Known(c.user, c.password, c.now)
	if !c.ok && c.users.Check(c.user, c.password) {
		c.users.Remember(c.user, c.password, c.now, c.now+int64(authKnown))
		c.ok = true
	}
	<-authSlots
}

// authSlots bounds the passwords that are checked at a time in the process, so
// that those who guess do not take all of its processors from those who serve.
var authSlots = make(chan struct{}, authParallel)

// checked takes the result.
func (g *Gateway) checked(c *authCheck) {
	g.rules.checking--
	x := c.x
	c.x = nil
	if x != nil {
		x.policy.rules.check = nil
		if c.ok {
			x.policy.proved, x.policy.passed = true, true
			g.resume(x, &c.in)
		} else {
			x.unauthorised("credentials_wrong", x.route.Policies.Auth.challenge)
		}
	}
	clear(c.password[:cap(c.password)])
	clear(c.head.Buf)
	c.users = nil
	g.rules.checks = append(g.rules.checks, c)
}

func (g *Gateway) newCheck() *authCheck {
	n := len(g.rules.checks)
	if n == 0 {
		return new(authCheck)
	}
	c := g.rules.checks[n-1]
	g.rules.checks = g.rules.checks[:n-1]
	c.ok = false
	return c
}
