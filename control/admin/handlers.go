package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/anygate/anygate/control/metrics"
)

// handler answers all requests. What tells no more than whether the process is there is open to everybody who can connect.
func (s *Server) handler() http.Handler {
	open, guarded := http.NewServeMux(), http.NewServeMux()
	open.HandleFunc("GET /{$}", servePage)
	open.HandleFunc("GET /healthz", s.healthz)
	open.HandleFunc("GET /readyz", s.readyz)
	open.Handle("/", s.guarded(seated(guarded)))
	guarded.Handle("GET /metrics", s.scrape)
	guarded.HandleFunc("GET /status", s.status)
	guarded.HandleFunc("GET /config", s.config)
	guarded.HandleFunc("GET /upstreams", s.upstreams)
	guarded.HandleFunc("POST /upstreams/drain", s.setMember(false))
	guarded.HandleFunc("POST /upstreams/enable", s.setMember(true))
	guarded.HandleFunc("GET /connections", s.connections)
	guarded.HandleFunc("GET /debug/pprof/", s.profile(pprof.Index))
	guarded.HandleFunc("GET /debug/pprof/cmdline", s.profile(pprof.Cmdline))
	guarded.HandleFunc("GET /debug/pprof/profile", s.profile(pprof.Profile))
	guarded.HandleFunc("GET /debug/pprof/symbol", s.profile(pprof.Symbol))
	guarded.HandleFunc("GET /debug/pprof/trace", s.profile(pprof.Trace))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		open.ServeHTTP(w, r)
	})
}

// metricsHandler answers scrapes.
func metricsHandler(p Process) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(p.Measure), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, EnableOpenMetrics: true})
}

// fail answers with an error, for programs and people.
func fail(w http.ResponseWriter, status int, message string) {
	answer(w, status, struct {
		Error string `json:"error"`
	}{message})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // a client that has gone needs no answer
}

// healthz says whether the process works: whether all shards answer.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	var silent string
	s.process.Measure(func(r *metrics.Readings) { silent = r.Silent() })
	if silent != "" {
		say(w, http.StatusServiceUnavailable, "shards that do not answer: "+silent)
		return
	}
	say(w, http.StatusOK, "ok")
}

// readyz says whether new requests should be sent here.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := s.process.Ready(); err != nil {
		say(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	say(w, http.StatusOK, "ready")
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

func (s *Server) config(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(s.process.Config())
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	var st Status
	s.process.Measure(func(r *metrics.Readings) { st = statusOf(r) })
	answer(w, http.StatusOK, st)
}

func (s *Server) upstreams(w http.ResponseWriter, _ *http.Request) {
	var list []Upstream
	s.process.Measure(func(r *metrics.Readings) { list = upstreamsOf(r) })
	answer(w, http.StatusOK, struct {
		Upstreams []Upstream `json:"upstreams"`
	}{list})
}

// setMember takes members out, or lets them in.
func (s *Server) setMember(enabled bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q MemberCommand
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&q); err != nil {
			fail(w, http.StatusBadRequest, `the content has to be {"upstream": NAME, "member": ADDRESS}: `+err.Error())
			return
		}
		switch err := s.process.SetMember(q.Upstream, q.Member, enabled); {
		case errors.Is(err, ErrUpgrading):
			fail(w, http.StatusConflict, err.Error())
			return
		case err != nil:
			fail(w, http.StatusNotFound, err.Error())
			return
		}
		answer(w, http.StatusOK, struct {
			MemberCommand
			Enabled bool `json:"enabled"`
		}{q, enabled})
	}
}

// connections tells of connections of clients; "top" says of how many.
func (s *Server) connections(w http.ResponseWriter, r *http.Request) {
	most := 20
	if q := r.URL.Query().Get("top"); q != "" {
		n, err := strconv.Atoi(q)
		if err != nil || n < 0 || n > 1000 {
			fail(w, http.StatusBadRequest, "top is a number from 0 to 1000")
			return
		}
		most = n
	}
	list, err := s.process.Clients(most)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	var out Connections
	s.process.Measure(func(r *metrics.Readings) { out = connectionsOf(r) })
	out.Clients = list
	answer(w, http.StatusOK, out)
}

// profile answers where profiles may be taken, with more time than other answers have.
func (s *Server) profile(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.terms.Load().Profiles {
			fail(w, http.StatusNotFound, "profiles are off: admin.pprof turns them on")
			return
		}
		err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(profileTime))
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		next(w, r)
	}
}
