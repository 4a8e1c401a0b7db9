package control

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/mark"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/auth"
)

// secrets are the files that credentials are checked against. Routes that name the same file share what was read of it,
// and so do configurations: whoever has proved who it is does not have to once more because something else has changed.
type secrets struct {
	mu    sync.Mutex
	files map[string]watched // by kind and path
	stop  chan struct{}      // nil while they are not watched
	done  chan struct{}
}

// watched is a *secretFile of any type.
type watched interface {
	// look reads the file again if it has changed, or if that has failed before.
	look() (changed bool, err error)
	// from says where it is read from.
	from(read func(name string) ([]byte, error))
}

// secretFile is one file, as one kind of policy reads it.
type secretFile[T any] struct {
	path    string
	parse   func(text string) (*T, error)
	current atomic.Pointer[T]
	sum     [sha256.Size]byte // of what current was made of
	read    func(name string) ([]byte, error)
	mark    mark.Mark
	err     error // of the last look
}

// auth compiles the policy auth.
func (c *compiler) auth(r *config.Route, p policy.Auth) (*gateway.Auth, error) {
	out := &gateway.Auth{Field: strings.ToLower(p.Field)}
	var err error
	switch {
	case p.Kind == policy.AuthBasic:
		out.Users, err = readUsers(c, c.path(p.Source))
	case p.Env:
		out.Tokens = new(atomic.Pointer[auth.Tokens])
		err = environment(p.Source, out.Tokens)
	default:
		out.Tokens, err = readTokens(c, c.path(p.Source))
	}
	if err != nil {
		return nil, fmt.Errorf("the policy %q: %w", p.String(), err)
	}
	out.Challenge(p.Field)
	return out, nil
}

// path is where a file of the configuration is.
func (c *compiler) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.cfg.BaseDir, name)
}

// environment reads tokens from a variable, which does not change.
func environment(name string, into *atomic.Pointer[auth.Tokens]) error {
	value := os.Getenv(name)
	if value == "" {
		return fmt.Errorf("the environment variable %s is not set; a file's name has other characters than A-Z, 0-9 and _", name)
	}
	t, err := auth.ParseTokens(value, true)
	if err != nil {
		return fmt.Errorf("the environment variable %s: %w", name, err)
	}
	into.Store(t)
	return nil
}

func readUsers(c *compiler, path string) (*atomic.Pointer[auth.Users], error) {
	return openSecret(c, "users", path, auth.ParseUsers)
}

func readTokens(c *compiler, path string) (*atomic.Pointer[auth.Tokens], error) {
	return openSecret(c, "tokens", path, func(text string) (*auth.Tokens, error) { return auth.ParseTokens(text, false) })
}

// openSecret reads a file. What is known of it already is shared if it says the same; what is served at present does not
// change by it, because the configuration that is compiled may not be used.
func openSecret[T any](c *compiler, kind, path string, parse func(string) (*T, error)) (*atomic.Pointer[T], error) {
	key := kind + " " + path
	if f, ok := c.secrets[key].(*secretFile[T]); ok {
		return &f.current, nil
	}
	s := &c.reg.secrets
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &secretFile[T]{path: path, parse: parse, read: c.cfg.ReadFile}
	if _, err := f.look(); err != nil {
		return nil, err
	}
	if old, ok := s.files[key].(*secretFile[T]); ok && old.sum == f.sum && old.current.Load() != nil {
		f = old
	}
	c.secrets[key] = f
	return &f.current, nil
}

// adopt has the files looked after that a configuration names, and no others.
func (s *secrets) adopt(files map[string]watched, read func(name string) ([]byte, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = files
	for _, f := range files {
		f.from(read)
	}
}

func (f *secretFile[T]) from(read func(name string) ([]byte, error)) { f.read = read }

func (f *secretFile[T]) look() (changed bool, err error) {
	info, err := os.Stat(f.path)
	if err != nil {
		f.mark = mark.Mark{}
		return f.failed(fmt.Errorf("%s: %s", f.path, cause(err)))
	}
	now := mark.Of(info)
	if now == f.mark {
		return false, f.err
	}
	f.mark = now
	if now.Size > maxSecretBytes {
		return f.failed(fmt.Errorf("%s has more than %d bytes", f.path, maxSecretBytes))
	}
	text, err := f.read(f.path)
	if err != nil {
		// It may be the machine's fault, for want of descriptors say, and then the next look finds the same mark.
		f.mark = mark.Mark{}
		return f.failed(err)
	}
	sum := sha256.Sum256(text)
	if f.err == nil && sum == f.sum {
		return false, nil // of a configuration that was signed, what was verified
	}
	v, err := f.parse(string(text))
	if err != nil {
		return f.failed(fmt.Errorf("%s: %w", f.path, err))
	}
	f.current.Store(v)
	f.sum, f.err = sum, nil
	return true, nil
}

// failed notes an error; it is a change if there was another before, or none.
func (f *secretFile[T]) failed(err error) (changed bool, _ error) {
	changed = f.err == nil || f.err.Error() != err.Error()
	f.err = err
	return changed, err
}

// follow begins to look at the files again and again. What was read of one before stays when there is something wrong
// with it. tell is called when one was read, or could not be.
func (s *secrets) follow(every time.Duration, tell func(name string, err error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil || len(s.files) == 0 {
		return
	}
	s.stop, s.done = make(chan struct{}), make(chan struct{})
	go func(stop, done chan struct{}) {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				s.look(tell)
			}
		}
	}(s.stop, s.done)
}

func (s *secrets) look(tell func(name string, err error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, f := range s.files {
		if changed, err := f.look(); changed {
			_, path, _ := strings.Cut(name, " ")
			tell(path, err)
		}
	}
}

// close ends follow.
func (s *secrets) close() {
	s.mu.Lock()
	stop, done := s.stop, s.done
	s.stop = nil
	s.mu.Unlock()
	if stop != nil {
		close(stop)
		<-done
	}
}
