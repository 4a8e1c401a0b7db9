package control

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/mark"
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge"
)

// Loaded is a configuration that was read for Reload.
type Loaded struct {
	Config *config.Config
	// Accept is called when nothing but its error can keep the configuration from being served; nil has nothing to say.
	Accept func() error
}

// Invalid is a configuration that cannot be served because of what it says.
type Invalid struct{ Diagnostics config.Diagnostics }

func (e *Invalid) Error() string { return e.Diagnostics.String() + "\n" + e.Diagnostics.Summary() }

// errEnding is why nothing can be changed any more.
var errEnding = errors.New("this process is ending")

// Reload serves the configuration as it is now. If that cannot be, the one before stays, and the error says why. If dry is
// true everything is looked at, and nothing changed.
//
// Connections go on, and take the new generation with their next request; requests under way keep theirs. It returns when
// all shards have the new one, and nothing is left of addresses that are no longer listened on but their connections.
func (s *Server) Reload(dry bool) (*Report, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.reloadNow(dry)
}

// reloadNow is Reload for who holds changing.
func (s *Server) reloadNow(dry bool) (*Report, error) {
	began := time.Now()
	if s.isEnding() {
		return nil, errEnding
	}
	if !dry {
		s.notify(reloadingState())
		defer s.notify(readyState)
	}
	r, err := s.reload(dry)
	if !dry {
		s.told.loaded(err)
	}
	switch {
	case err != nil && !dry:
		s.tellRefused(err)
	case err == nil:
		r.Took = time.Since(began)
		if !dry {
			s.tellReloaded(r)
			// Descriptors of the directories that were served go when the collector finds that nobody has them.
			runtime.GC()
		}
	}
	return r, err
}

func (s *Server) reload(dry bool) (*Report, error) {
	if s.opt.Load == nil {
		return nil, errors.New("what is served was not read from a configuration file: there is nothing to load again")
	}
	before := stateOfFiles(s.cfg)
	loaded, err := s.opt.Load()
	if err != nil {
		return nil, err
	}
	cfg := loaded.Config
	asRead := stateBefore(s.cfg, before, cfg)
	if err := outside(cfg, s.opt.Heritage.given()); err != nil {
		return nil, err
	}
	sized, err := fit(cfg, survey())
	if err != nil {
		return nil, err
	}
	r := compare(s.cfg, cfg)
	r.Remarks = s.untilRestart(cfg, &sized)
	for _, name := range s.opt.Heritage.Files().Unseen() {
		r.Remarks = append(r.Remarks, name+" cannot be looked at by the user of this process: what it held at the start is used until a restart")
	}
	draft, err := prepare(cfg, s.registry)
	if err != nil {
		return nil, err
	}
	r.Remarks = append(r.Remarks, draft.remarks...)
	if dry {
		draft.discard()
		premises, err := s.preparePremises(cfg, nil)
		if err != nil {
			return nil, err
		}
		premises.discard()
		return r, s.sockets.claimAll(cfg.Listen)
	}
	if list := s.unresponsive(); len(list) > 0 {
		draft.discard()
		return nil, fmt.Errorf("%v for %v: nothing was changed; only a restart, or anygate upgrade, helps a shard that hangs", list, s.patience)
	}
	logs, err := s.logs.prepare(cfg)
	if err != nil {
		draft.discard()
		return nil, err
	}
	list, err := s.sockets.openAll(cfg.Listen)
	if err != nil {
		s.logs.discard(logs)
		draft.discard()
		return nil, err
	}
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.name
	}
	premises, err := s.preparePremises(cfg, names)
	if err == nil {
		var late silent
		if late, err = s.adopt(loaded, asRead, draft, list); err != nil {
			premises.discard()
		} else if len(late) > 0 {
			r.Remarks = append(r.Remarks, fmt.Sprintf("%v: what was served before goes on there, until it does", late))
		}
	}
	if err != nil {
		s.logs.discard(logs)
		draft.discard()
		for _, e := range list {
			if s.sockets.find(e.key) == nil {
				s.sockets.discard(e)
			}
		}
		return nil, err
	}
	s.logs.adopt(logs)
	s.tracing.use(cfg.Trace)
	s.adoptPremises(premises)
	return r, nil
}

// adopt makes a draft what is served. It returns the shards that have not taken it up in time, and will when they go on.
func (s *Server) adopt(loaded *Loaded, asRead []mark.Mark, d *draft, list []*binding) (late silent, err error) {
	s.mu.Lock()
	if s.ending {
		s.mu.Unlock()
		return nil, errEnding
	}
	before, after := s.generation.Load().Settings.Listeners, d.generation
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.name
	}
	if err := redirects(loaded.Config.Listen, names, after.Settings.Listeners); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	after.Settings.Listeners = place(before, after.Settings.Listeners, list)
	if loaded.Accept != nil {
		if err := loaded.Accept(); err != nil {
			s.mu.Unlock()
			return nil, err
		}
	}
	had := s.sockets.list
	outdated := d.adopt()
	s.generation.Store(after)
	s.cfg, s.asRead, s.sockets.list = loaded.Config, asRead, list
	retire := altered(had, list, before, after.Settings.Listeners)
	number := s.command(func(shard int) order {
		o := order{retire: retire}
		for _, e := range list {
			if e.owned[shard] {
				continue
			}
			e.owned[shard] = true
			for _, fd := range e.fds[shard] {
				o.add = append(o.add, socket{fd, e.id})
			}
		}
		return o
	})
	s.mu.Unlock()
	outdated.close()
	s.watch()
	late = s.await(number)
	s.remove(slices.DeleteFunc(slices.Clone(had), func(e *binding) bool { return slices.Contains(list, e) }))
	return late, nil
}

// place puts the settings of listeners where their numbers say. Those of addresses that are no longer listened on stay:
// their connections go on for a while, and must not be taken for something else.
func place(before, now []gateway.Listener, list []*binding) []gateway.Listener {
	size := len(before)
	for _, e := range list {
		size = max(size, e.id+1)
	}
	out := make([]gateway.Listener, size)
	copy(out, before)
	for i, e := range list {
		out[e.id] = now[i]
	}
	return out
}

// altered are the numbers of the addresses that are listened on before and after, and on which something else is spoken, or
// clients are asked for other certificates: connections of before must not go on as if they had been asked.
func altered(had, have []*binding, before, after []gateway.Listener) (ids []int) {
	for _, e := range had {
		if !slices.Contains(have, e) {
			continue
		}
		a, b := &before[e.id], &after[e.id]
		if a.ProxyProtocol != b.ProxyProtocol || a.H2 != b.H2 || !sameTerms(a.TLS, b.TLS) {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// sameTerms reports whether clients are asked for the same, whatever certificates they are shown.
func sameTerms(a, b *tlsedge.Server) bool {
	if a == nil || b == nil {
		return a == b
	}
	tags := func(s *tlsedge.Server) (list [][]byte) {
		list = append(list, s.Terms.Tag)
		if s.Names != nil {
			for _, t := range s.Names.Terms {
				list = append(list, t.Tag)
			}
		}
		return list
	}
	return slices.EqualFunc(tags(a), tags(b), bytes.Equal) && a.Names.Same(b.Names)
}

// remove closes the sockets of addresses that are no longer listened on. Who has begun to connect is served.
func (s *Server) remove(list []*binding) {
	if len(list) == 0 {
		return
	}
	var ids []int
	for _, e := range list {
		ids = append(ids, e.id)
		if path, ok := strings.CutPrefix(e.key, "unix:"); ok {
			s.sockets.forget(path)
			continue
		}
		// Where the kernel cannot do it, who connects in the last moment is reset.
		e.each(func(fd int32) { _ = engine.Deafen(fd) })
	}
	select {
	case <-time.After(s.deaf):
	case <-s.draining:
	}
	s.mu.Lock()
	if s.ending {
		s.mu.Unlock()
		return // the shards close all their listeners
	}
	number := s.command(func(int) order { return order{remove: ids} })
	s.mu.Unlock()
	s.await(number)
}

// untilRestart are the remarks on what cannot change while the process runs.
func (s *Server) untilRestart(cfg *config.Config, sized *size) (remarks []string) {
	have := s.started
	settings := map[string][2]any{
		"server.engine":             {have.Server.Engine, cfg.Server.Engine},
		"server.shards":             {have.Server.Shards, cfg.Server.Shards},
		"server.spin":               {have.Server.Spin, cfg.Server.Spin},
		"server.limits.connections": {have.Server.Limits.Connections, cfg.Server.Limits.Connections},
		"server.limits.buffers":     {have.Server.Limits.BufferBytes, cfg.Server.Limits.BufferBytes},
		"server.limits.files":       {have.Server.Limits.FileBytes, cfg.Server.Limits.FileBytes},
		"log.error.level":           {have.Log.Level, cfg.Log.Level},
		"server.user":               {have.Server.User.String(), cfg.Server.User.String()},
		"server.landlock":           {have.Server.Landlock.String(), cfg.Server.Landlock.String()},
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if v := settings[name]; v[0] != v[1] {
			remarks = append(remarks, fmt.Sprintf("%s stays as it was at the start: it changes with a restart, or anygate upgrade", name))
		}
	}
	if len(remarks) == 0 && (sized.limits != s.size.limits || sized.files != s.size.files || sized.forms != s.size.forms) {
		remarks = append(remarks, "what is set aside for upstream connections and static files stays as it was at the start: a restart, or anygate upgrade, fits it to the routes")
	}
	return remarks
}

// tellRefused logs why a configuration is not served.
func (s *Server) tellRefused(err error) {
	const what = "the configuration was not loaded: the one before stays"
	var invalid *Invalid
	if !errors.As(err, &invalid) {
		for line := range strings.Lines(err.Error()) {
			s.logs.say(telemetry.Error, what, telemetry.String("error", strings.TrimRight(line, "\n")))
		}
		return
	}
	for i := range invalid.Diagnostics {
		if i == maxToldLines {
			s.logs.say(telemetry.Error, what, telemetry.Int("further_errors", int64(len(invalid.Diagnostics)-i)))
			return
		}
		s.logs.say(telemetry.Error, what, telemetry.String("error", invalid.Diagnostics[i].OneLine()))
	}
}

// tellReloaded logs what has changed.
func (s *Server) tellReloaded(r *Report) {
	for i, c := range r.Changes {
		if i == maxToldLines {
			s.logs.say(telemetry.Info, fmt.Sprintf("reload: %s more", count(len(r.Changes)-i, "change")))
			break
		}
		s.logs.say(telemetry.Info, "reload: "+c.String())
	}
	for _, remark := range r.Remarks {
		s.logs.say(telemetry.Warn, "reload: "+remark)
	}
	for _, w := range s.cfg.Warnings {
		s.logs.say(telemetry.Warn, w.OneLine())
	}
	s.logs.say(telemetry.Info, "the configuration was loaded", telemetry.Int("changes", int64(len(r.Changes))),
		telemetry.Int("took_ms", r.Took.Milliseconds()))
}
