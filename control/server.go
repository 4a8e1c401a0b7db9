package control

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/handoff"
	"github.com/anygate/anygate/control/health"
	"github.com/anygate/anygate/control/mark"
	"github.com/anygate/anygate/control/remote"
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge"
	"github.com/anygate/anygate/uring"
)

// Options describe a Server.
type Options struct {
	// Config is what to serve; it came without diagnostics.
	Config *config.Config
	// Version is named in the first line of the log.
	Version string
	// Stdout and Stderr take the logs; nil means those of the process.
	Stdout, Stderr io.Writer
	// OwnProcess says that the process is there for this Server only. Then the limit of open files is raised and the Go
	// runtime set up for it.
	OwnProcess bool
	// KeyLog is a file that takes the secrets of all TLS connections, for debugging; empty almost always.
	KeyLog string
	// Load reads the configuration again for Reload; nil if it cannot be read again. An error of what it says is an Invalid.
	Load func() (*Loaded, error)
	// Watch reloads when the files of the configuration change.
	Watch bool
	// Control is the name of the control socket; see remote.Listen. Empty is none.
	Control string
	// Heritage is what another process has handed over; nil is nothing.
	Heritage *Heritage
	// Accept is called when nothing but its error can keep the configuration from being served; nil has nothing to say.
	Accept func() error
}

// Server is a configuration being served.
type Server struct {
	opt     Options
	started *config.Config // what was served first
	backend Backend
	size    size
	logs    *logs
	tracing *tracing
	sockets *sockets
	files   fileCache
	jobs    *handoff.Pool[*gateway.Job]
	signers *tlsedge.Workers // nil without TLS
	keyLog  *os.File         // nil almost always

	// overload is what the shards cannot see.
	overload gateway.Overload

	// changing is held by whoever changes what is served; mu by whoever touches what follows it, for a moment.
	changing sync.Mutex
	mu       sync.Mutex
	cfg      *config.Config // what is served; written with both locks held
	asRead   []mark.Mark    // what its files were like when they were read; likewise
	orders   uint64         // how many were given
	ending   bool           // nothing is changed any more
	draining chan struct{}  // closed when ending becomes true

	supervisor supervisor
	control    *remote.Server // nil if there is none
	replaced   chan int       // takes the number of the process that goes on
	stops      chan struct{}  // takes the command to end
	// reloadDue and upgradeDue say that what a signal has asked for waits for its turn.
	reloadDue, upgradeDue atomic.Bool

	began    time.Time
	measures measures
	admin    administration
	told     told

	registry   *Registry
	health     *health.Monitor // nil if nothing is watched
	generation atomic.Pointer[gateway.Generation]
	shards     []*shard
	running    sync.WaitGroup
	repeat     time.Duration // signalRepeat; tests give others
	deaf       time.Duration // deafTime; likewise
	patience   time.Duration // orderTime; likewise
	ended      chan struct{} // closed when all shards have ended
}

// Start serves. It returns when connections are accepted, or with everything that prevents it, in which case nothing is
// left behind.
func Start(o Options) (_ *Server, err error) {
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	if o.OwnProcess {
		raiseLimits()
	}
	s := &Server{
		opt: o, cfg: o.Config, asRead: stateOfFiles(o.Config), started: o.Config, repeat: signalRepeat, deaf: deafTime, patience: orderTime, ended: make(chan struct{}),
		began:    time.Now(),
		draining: make(chan struct{}), replaced: make(chan int, 1), stops: make(chan struct{}, 1),
		supervisor: o.Heritage.supervisor(),
	}
	heir := o.Heritage.sockets()
	defer func() {
		if err != nil {
			heir.close()
			if s.registry != nil {
				s.registry.close()
			}
			s.closeTLS()
			s.closeJobs()
		}
	}()
	if s.size, err = fit(o.Config, survey()); err != nil {
		return nil, err
	}
	s.registry = NewRegistry(nil)
	s.registry.shards, s.registry.tell = s.size.shards, s.tellName
	s.told.changes.Loaded = s.began
	s.registry.limiters = limiters{rateKeys: s.size.rateKeys, countKeys: s.size.countKeys, countBytes: s.size.countBytes}
	for _, name := range o.Heritage.takenOut() {
		s.registry.disabled[name] = true
	}
	if err := s.openKeyLog(o.KeyLog); err != nil {
		return nil, err
	}
	gen, err := Compile(o.Config, s.registry)
	if err != nil {
		return nil, err
	}
	s.generation.Store(gen)
	if s.backend, err = ChooseBackend(o.Config.Server.Engine); err != nil {
		return nil, err
	}
	if s.sockets, err = openSockets(o.Config.Listen, s.size.shards, heir); err != nil {
		return nil, err
	}
	s.sockets.dropped = o.Heritage.given() != nil && o.Heritage.given().User != ""
	if err := redirects(o.Config.Listen, s.sockets.names(), gen.Settings.Listeners); err != nil {
		s.sockets.close()
		return nil, err
	}
	if o.OwnProcess {
		tune(&s.size)
	}
	if s.files, err = openFiles(&s.size); err != nil {
		s.sockets.close()
		return nil, err
	}
	if err := errors.Join(s.openSigners(), s.openJobs()); err != nil {
		s.files.close()
		s.sockets.close()
		return nil, err
	}
	doors, err := s.preparePremises(o.Config, s.sockets.names())
	if err == nil {
		if s.logs, err = openLogs(o.Config, s.size.shards, o.Stdout, o.Stderr); err == nil {
			s.tracing, err = openTracing(s.size.shards, o.Version, s.logs)
		}
		if err != nil {
			doors.discard()
		}
	}
	if err != nil {
		s.files.close()
		s.sockets.close()
		return nil, err
	}
	s.tracing.use(o.Config.Trace)
	err = s.startShards()
	if err == nil && o.Accept != nil {
		err = o.Accept()
	}
	if err != nil {
		doors.discard()
		s.abandon()
		return nil, err
	}
	s.watch()
	go s.guardMemory(hostSystem())
	go func() {
		s.running.Wait()
		close(s.ended)
	}()
	if o.OwnProcess {
		go s.tidy()
	}
	s.adoptPremises(doors)
	s.openControl()
	s.announce() // Whoever reads that may send commands at once.
	s.attend()
	return s, nil
}

// startShards starts the first shard, and when it stands the others: what the first one meets, a kernel that refuses a
// ring of full size say, can be met with another engine as long as nothing is served. Where there is memory for the rings
// of some shards only, which may be locked memory, the others serve without.
func (s *Server) startShards() error {
	s.shards = make([]*shard, s.size.shards)
	lenient := s.backend.Kind == engine.IOUring && s.opt.Config.Server.Engine == "auto"
	err := s.startShard(0, s.backend.Kind)
	if err != nil && lenient {
		cause, cure := uring.Explain(err)
		s.backend = Backend{Kind: engine.Epoll, Cause: cause, Cure: cure}
		err = s.startShard(0, engine.Epoll)
	}
	if err != nil {
		return err
	}
	kind := s.backend.Kind
	errs := make([]error, s.size.shards)
	refused := make([]error, s.size.shards)
	var starting sync.WaitGroup
	for i := 1; i < s.size.shards; i++ {
		starting.Go(func() {
			errs[i] = s.startShard(i, kind)
			if kind == engine.IOUring && lenient && errors.Is(errs[i], unix.ENOMEM) {
				refused[i] = errs[i]
				errs[i] = s.startShard(i, engine.Epoll)
			}
		})
	}
	starting.Wait()
	if first := slices.IndexFunc(refused, func(err error) bool { return err != nil }); first >= 0 {
		without := 0
		for _, err := range refused {
			if err != nil {
				without++
			}
		}
		cause, cure := uring.Explain(refused[first])
		s.size.remarks = append(s.size.remarks, fmt.Sprintf("%d of %d shards serve with epoll: %s; %s", without, s.size.shards, cause, cure))
	}
	return errors.Join(errs...)
}

// startShard runs one shard, and returns when it serves. From then on the shard owns its sockets.
func (s *Server) startShard(i int, kind engine.Kind) error {
	sh, err := newShard(gateway.Options{
		Generation: &s.generation,
		Limits:     s.size.limits,
		Files:      s.files.service.Store(),
		Ask:        s.files.service.Submit,
		ReadAhead:  s.files.service.ReadAhead,
		Background: background,
		Jobs:       s.jobs.Submit,
		Signers:    s.signers,
		Overload:   &s.overload,
		ID:         i,
		CPU:        s.size.pins[i],
		Backend:    kind,
		Spin:       s.size.spin,
		Access:     s.logs.accessRings[i],
		Errors:     s.logs.errorRings[i],
		Spans:      s.tracing.rings[i],
		ErrorLevel: s.logs.level,
	})
	if err != nil {
		return err
	}
	for _, e := range s.sockets.list {
		for _, fd := range e.fds[i] {
			sh.Shard().AddListener(fd, e.id)
		}
	}
	ready := make(chan error, 1)
	s.running.Go(func() { sh.Run(func(err error) { ready <- err }) })
	if err := <-ready; err != nil {
		return err
	}
	s.shards[i] = sh
	for _, e := range s.sockets.list {
		e.owned[i] = true
	}
	return nil
}

// abandon undoes a start that failed half-way.
func (s *Server) abandon() {
	s.stop()
	s.running.Wait()
	s.files.close()
	s.sockets.close()
	s.tracing.close()
	_ = s.logs.close()
}

// announce says in one line what is served, and in one more each what the operator should know.
func (s *Server) announce() {
	routes := len(s.opt.Config.Routes)
	s.logs.say(telemetry.Info, fmt.Sprintf("anygate v%s: listening on %s (%s, %s), %s", s.opt.Version,
		strings.Join(s.sockets.names(), ", "), s.backend.Kind, count(s.size.shards, "shard"), count(routes, "route")))
	if s.backend.Cause != "" {
		s.logs.say(telemetry.Warn, "serving with epoll: "+s.backend.Cause+"; "+s.backend.Cure)
	}
	if s.opt.OwnProcess {
		s.tellPrivileges()
	}
	for _, r := range s.size.remarks {
		s.logs.say(telemetry.Warn, r)
	}
	if r := s.registry.kernel.remark; r != "" {
		s.logs.say(telemetry.Warn, r)
	}
	for _, w := range s.opt.Config.Warnings {
		s.logs.say(telemetry.Warn, w.OneLine())
	}
	for _, name := range s.registry.takenOut() {
		s.logs.say(telemetry.Warn, "a member stays out that the process before was told to take out",
			telemetry.String("upstream", name.Upstream), telemetry.String("member", name.Member))
	}
	for _, name := range s.sockets.heir.left() {
		s.logs.say(telemetry.Warn, "a socket was handed over that the configuration does not listen on", telemetry.String("address", name))
	}
	s.sockets.heir.unlinkLeft()
	s.sockets.heir.close()
	if s.keyLog != nil {
		s.logs.say(telemetry.Warn, "THE SECRETS OF ALL TLS CONNECTIONS ARE WRITTEN TO A FILE: whoever can read it can read, and change, what they carry",
			telemetry.String("file", s.keyLog.Name()))
	}
}

// Addresses are the addresses listened on, as bound, in the order of the configuration.
func (s *Server) Addresses() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sockets.names()
}

// Backend is the engine that the server runs on.
func (s *Server) Backend() Backend { return s.backend }

// Shards is how many shards there are.
func (s *Server) Shards() int { return len(s.shards) }

// open is how many client connections have an exchange under way, or may begin one.
func (s *Server) open() (n int64) {
	for _, sh := range s.shards {
		n += sh.Open()
	}
	return n
}

// left is how many client connections would be cut off now: those with an exchange under way, and those whose last bytes
// are still being sent.
func (s *Server) left() (n int64) {
	for _, sh := range s.shards {
		n += max(sh.Open(), sh.clients.Load())
	}
	return n
}

// drain makes all shards stop accepting and finish what they have.
func (s *Server) drain() {
	s.toAll(func(_ int, sh *shard) bool { return sh.Drain() })
	for _, sh := range s.shards {
		sh.look()
	}
}

// retire makes all shards leave to another process what is to come, without any client noticing.
func (s *Server) retire() {
	s.mu.Lock()
	s.command(func(int) order { return order{everything: true} })
	s.mu.Unlock()
	for _, sh := range s.shards {
		sh.look()
	}
}

// drained reports whether all shards were without a connection when they looked last, and makes them look again.
func (s *Server) drained() bool {
	for _, sh := range s.shards {
		if sh.clients.Load() != 0 {
			sh.look()
			return false
		}
	}
	return true
}

// stop makes all shards end at once, those that have been started.
func (s *Server) stop() {
	s.toAll(func(_ int, sh *shard) bool { return sh.Stop() })
}

// errLeft is that the process ends with a shard that still runs, as it hangs.
var errLeft = errors.New("a shard hangs and does not end: what it had under way was cut off")

// finish waits for the shards to end, and closes what is left. What a shard that hangs may use is left as it is.
func (s *Server) finish() error {
	select {
	case <-s.ended:
	case <-time.After(s.patience):
		s.logs.say(telemetry.Error, errLeft.Error())
		s.control.Close()
		s.sockets.unlink()
		return errors.Join(errLeft, s.logs.close())
	}
	s.control.Close()
	// Whoever was changing something finds out that nothing can be changed any more.
	s.changing.Lock()
	defer s.changing.Unlock()
	s.closeAdmin()
	s.supervisor.close()
	s.files.close()
	if s.health != nil {
		s.health.Close()
	}
	s.registry.close()
	s.closeTLS()
	s.closeJobs()
	s.sockets.unlink()
	s.tracing.close()
	return s.logs.close()
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
