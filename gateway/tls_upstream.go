package gateway

import (
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/telemetry"
)

// tellUpstream logs that TLS with a member of an upstream does not work any more, or
// works again. The requests that fail of it have lines of their own, without the cause.
func (g *Gateway) tellUpstream(n proxy.Notice) {
	level, what := telemetry.Error, "upstream fails over TLS"
	if n.Failure == 0 {
		level, what = telemetry.Info, "upstream works over TLS again"
	}
	if g.errors == nil || !g.level.Allows(level) {
		return
	}
	line := []telemetry.Field{telemetry.String("upstream", n.Member.Name), telemetry.String("pool", n.Member.Upstream.Name)}
	if n.Failure != 0 {
		line = append(line, telemetry.String("reason", n.Failure.String()), telemetry.String("cause", n.Cause))
	}
	g.errors.Error(level, g.s.Unix(), what, line...)
}
