package traces

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/anygate/anygate/telemetry"
)

// span is a finished span as the exporter wants it. The interface is embedded because it cannot be implemented otherwise;
// all of its methods are ours.
type span struct {
	sdktrace.ReadOnlySpan

	name       string
	context    trace.SpanContext
	parent     trace.SpanContext
	kind       trace.SpanKind
	begin, end time.Time
	attributes []attribute.KeyValue
	status     sdktrace.Status
	children   int
	common     *common
}

// common is what all spans of a process have.
type common struct {
	resource *resource.Resource
	scope    instrumentation.Scope
}

func (s *span) Name() string                                { return s.name }
func (s *span) SpanContext() trace.SpanContext              { return s.context }
func (s *span) Parent() trace.SpanContext                   { return s.parent }
func (s *span) SpanKind() trace.SpanKind                    { return s.kind }
func (s *span) StartTime() time.Time                        { return s.begin }
func (s *span) EndTime() time.Time                          { return s.end }
func (s *span) Attributes() []attribute.KeyValue            { return s.attributes }
func (s *span) Links() []sdktrace.Link                      { return nil }
func (s *span) Events() []sdktrace.Event                    { return nil }
func (s *span) Status() sdktrace.Status                     { return s.status }
func (s *span) InstrumentationScope() instrumentation.Scope { return s.common.scope }
func (s *span) Resource() *resource.Resource                { return s.common.resource }
func (s *span) DroppedAttributes() int                      { return 0 }
func (s *span) DroppedLinks() int                           { return 0 }
func (s *span) DroppedEvents() int                          { return 0 }
func (s *span) ChildSpanCount() int                         { return s.children }

// convert appends the spans of a record: that of the exchange, and that of its request to an upstream. start is when the
// clock of shards was 0.
func convert(list []sdktrace.ReadOnlySpan, r *telemetry.Span, start time.Time, c *common) []sdktrace.ReadOnlySpan {
	state, err := trace.ParseTraceState(string(r.State))
	if err != nil {
		state = trace.TraceState{}
	}
	context := func(id [8]byte, remote bool) trace.SpanContext {
		return trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: r.Trace, SpanID: id, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: remote,
		})
	}
	at := func(t int64) time.Time { return start.Add(time.Duration(t)) }
	method, original := knownMethod(r.Method)
	server := &span{
		name: method, kind: trace.SpanKindServer, context: context(r.ID, false),
		begin: at(r.Begin), end: at(r.End), common: c,
	}
	if method == otherMethod {
		server.name = "HTTP"
	}
	clientName := server.name
	if r.Parent != [8]byte{} {
		server.parent = context(r.Parent, true)
	}
	if path := routePath(r.Route); path != "" {
		server.name += " " + path
		server.add("http.route", path)
	}
	server.describeRequest(r, method, original)
	server.outcome(r, r.Status >= 500 || r.Status == 0)
	list = append(list, server)
	if r.Client == [8]byte{} {
		return list
	}
	server.children = 1
	client := &span{
		name: clientName, kind: trace.SpanKindClient, context: context(r.Client, false), parent: server.context,
		begin: at(r.ClientBegin), end: at(r.ClientEnd), common: c,
	}
	client.add("http.request.method", method)
	if original != "" {
		client.add("http.request.method_original", original)
	}
	client.server(r.Upstream, "")
	answered := *r
	if r.Reason != "" {
		answered.Status = 0 // what the client was sent is not the upstream's
	}
	client.outcome(&answered, answered.Status >= 400 || answered.Status == 0)
	return append(list, client)
}

func (s *span) add(key, value string) {
	s.attributes = append(s.attributes, attribute.String(key, value))
}

func (s *span) addInt(key string, value int64) {
	s.attributes = append(s.attributes, attribute.Int64(key, value))
}

// describeRequest adds what is known of the request.
func (s *span) describeRequest(r *telemetry.Span, method, original string) {
	s.add("http.request.method", method)
	if original != "" {
		s.add("http.request.method_original", original)
	}
	path, query := splitTarget(string(r.Target))
	s.add("url.path", path)
	if query != "" {
		s.add("url.query", query)
	}
	scheme := "http"
	if r.HTTPS {
		scheme = "https"
	}
	s.add("url.scheme", scheme)
	s.server(string(r.Host), scheme)
	s.addAddress("client", r.Peer)
	s.addAddress("network.peer", r.Network)
	if name, version, ok := strings.Cut(r.Protocol, "/"); ok {
		s.add("network.protocol.name", strings.ToLower(name))
		s.add("network.protocol.version", strings.TrimSuffix(version, ".0"))
	}
	if len(r.UserAgent) > 0 {
		s.add("user_agent.original", strings.ToValidUTF8(string(r.UserAgent), "\ufffd"))
	}
	s.addInt("http.request.body.size", r.BytesReceived)
	s.addInt("http.response.body.size", r.BytesSent)
}

// outcome adds how it ended.
func (s *span) outcome(r *telemetry.Span, failed bool) {
	if r.Status > 0 {
		s.addInt("http.response.status_code", int64(r.Status))
	}
	if r.GRPC > 0 {
		s.addInt("rpc.grpc.status_code", int64(r.GRPC)-1)
	}
	if !failed {
		return
	}
	s.status.Code = codes.Error
	kind := r.Reason
	if kind == "" && r.Status > 0 {
		kind = strconv.Itoa(r.Status)
	}
	if kind == "" {
		kind = "_OTHER"
	}
	s.add("error.type", kind)
}

// server adds which server was asked. A port that the scheme means anyway is left out.
func (s *span) server(authority, scheme string) {
	authority = strings.ToValidUTF8(authority, "\ufffd")
	if path, ok := strings.CutPrefix(authority, "unix:"); ok {
		s.add("server.address", path)
		return
	}
	host, port, err := net.SplitHostPort(authority)
	if err != nil {
		host, port = strings.Trim(authority, "[]"), ""
	}
	if host == "" {
		return
	}
	s.add("server.address", host)
	if n, err := strconv.ParseUint(port, 10, 16); err == nil && !(scheme == "http" && n == 80 || scheme == "https" && n == 443) {
		s.addInt("server.port", int64(n))
	}
}

func (s *span) addAddress(prefix string, a netip.AddrPort) {
	if !a.IsValid() {
		return
	}
	s.add(prefix+".address", a.Addr().String())
	if a.Port() != 0 {
		s.addInt(prefix+".port", int64(a.Port()))
	}
}

const otherMethod = "_OTHER"

// knownMethod is the method as it may be counted by, and as it was sent if that is something else.
func knownMethod(m []byte) (method, original string) {
	switch s := string(m); s {
	case "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE":
		return s, ""
	default:
		return otherMethod, strings.ToValidUTF8(s, "\ufffd")
	}
}

// routePath is the path of a route's head, [METHODS] [HOST]PATH.
func routePath(head string) string {
	last := head[strings.LastIndexByte(head, ' ')+1:]
	if i := strings.IndexByte(last, '/'); i >= 0 {
		return last[i:]
	}
	return ""
}

// splitTarget splits a request-target of any form.
func splitTarget(target string) (path, query string) {
	target = strings.ToValidUTF8(target, "\ufffd")
	path, query, _ = strings.Cut(target, "?")
	if i := strings.Index(path, "://"); i >= 0 && !strings.HasPrefix(path, "/") {
		authority := path[i+3:]
		if path = "/"; strings.IndexByte(authority, '/') >= 0 {
			path = authority[strings.IndexByte(authority, '/'):]
		}
	}
	return path, query
}
