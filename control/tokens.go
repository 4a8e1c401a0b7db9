package control

import (
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/handoff"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/privacypass"
)

// tokens is what outlives a generation of the policies that ask for tokens.
type tokens struct {
	mu      sync.Mutex
	secret  []byte // of the process, for policies that share none with other servers
	ledgers map[[32]byte]*ledger
	turn    uint64 // how many configurations were adopted
}

// ledger is what all shards know of the tokens that were redeemed.
type ledger struct {
	mu    sync.Mutex
	spent privacypass.Spent
	turn  uint64 // of the last configuration that had a use for it
}

var _ privacypass.Ledger = (*ledger)(nil)

func (l *ledger) Has(window int64, id privacypass.TokenID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spent.Has(window, id)
}

func (l *ledger) Add(window int64, id privacypass.TokenID) privacypass.Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spent.Add(window, id)
}

// ownSecret is the secret of the process. That it is another one after a restart is meant: what was redeemed before is
// not known any more then, and tokens of that time must not be good again.
func (t *tokens) ownSecret() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.secret == nil {
		t.secret = make([]byte, 32)
		_, _ = rand.Read(t.secret) // never fails
	}
	return t.secret
}

// ledger is the one of an identity; always the same for the same. It is asked for while the next configuration is compiled,
// which may fail: only one that is adopted makes ledgers older.
func (t *tokens) ledger(identity [32]byte) *ledger {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.ledgers[identity]
	if l == nil {
		l = &ledger{}
		if t.ledgers == nil {
			t.ledgers = make(map[[32]byte]*ledger)
		}
		t.ledgers[identity] = l
	}
	l.turn = t.turn + 1
	return l
}

// next is called when another configuration is adopted. Ledgers that neither the one before nor the one before that had a use for are
// forgotten: a policy that is taken out by mistake, and comes back, still knows what was redeemed.
func (t *tokens) next() {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.ledgers, func(_ [32]byte, l *ledger) bool { return l.turn+1 < t.turn })
	t.turn++
}

// token makes what a route asks for, once for all routes that ask for the same.
func (c *compiler) token(r *config.Route, out *gateway.Route) (err error) {
	for _, p := range r.Policies {
		t, ok := p.(policy.Token)
		if !ok {
			continue
		}
		key := t.String()
		if out.Token = c.tokens[key]; out.Token != nil {
			return nil
		}
		if out.Token, err = c.makeToken(&t); err != nil {
			return fmt.Errorf("the policy %q: %w", key, err)
		}
		if c.tokens == nil {
			c.tokens = make(map[string]*privacypass.Policy)
		}
		c.tokens[key] = out.Token
	}
	return nil
}

func (c *compiler) makeToken(t *policy.Token) (*privacypass.Policy, error) {
	text, err := c.cfg.ReadFile(t.File)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %s", t.File, cause(err))
	}
	o := privacypass.Options{Type: privacypass.Type(t.Type), Issuer: t.Issuer, Origins: t.Origins, Window: t.MaxAge}
	if o.Keys, err = privacypass.ParseKeys(o.Type, text); err != nil {
		return nil, fmt.Errorf("%s: %w", t.File, err)
	}
	if o.Secret, err = c.tokenSecret(t); err != nil {
		return nil, err
	}
	o.Ledger = func(identity [32]byte) privacypass.Ledger { return c.reg.tokens.ledger(identity) }
	return privacypass.New(o)
}

// minTokenSecret is how long a secret has to be at least that servers share.
const minTokenSecret = 32

// tokenSecret is the secret of a policy's redemption contexts.
func (c *compiler) tokenSecret(t *policy.Token) ([]byte, error) {
	var secret []byte
	switch {
	case t.Secret == "":
		return c.reg.tokens.ownSecret(), nil
	case t.Env:
		value, ok := os.LookupEnv(t.Secret)
		if !ok {
			return nil, fmt.Errorf("the environment variable %s is not set", t.Secret)
		}
		secret = []byte(value)
	default:
		text, err := c.cfg.ReadFile(t.Secret)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %s", t.Secret, cause(err))
		}
		secret = text
	}
	if len(secret) < minTokenSecret {
		return nil, fmt.Errorf("the secret in %s has %d bytes, fewer than %d: make one with head -c 32 /dev/urandom | base64", t.Secret, len(secret), minTokenSecret)
	}
	return secret, nil
}

// openJobs starts what does the shards' jobs.
func (s *Server) openJobs() (err error) {
	workers := min(max(runtime.NumCPU()/processorsPerJobWorker, 1), maxJobWorkers)
	s.jobs, err = handoff.New(jobSlots, workers, doJob)
	return err
}

// closeJobs ends the jobs of shards that have ended.
func (s *Server) closeJobs() {
	if s.jobs != nil {
		s.jobs.Close()
	}
}

// doJob does a job, and says so. The inbox of a shard is not full for long: it holds far more than a shard is sent at once.
func doJob(j *gateway.Job, closing <-chan struct{}) {
	j.Run()
	for !j.Done() {
		select {
		case <-time.After(time.Millisecond):
		case <-closing:
			return
		}
	}
}
