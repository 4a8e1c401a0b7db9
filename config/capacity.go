package config

import (
	"net/netip"
	"strconv"
)

// readPoolLimits reads what a pool is given at the most.
func (l *loader) readPoolLimits(v *node, limits *PoolLimits) {
	ok := l.fields(
		v, "the upstream's limits",
		field{"connections", func(_, v *node) { l.integerOr("unlimited", v, 1, maxPoolLimit, &limits.Connections) }},
		field{"requests", func(_, v *node) { l.integerOr("unlimited", v, 1, maxPoolLimit, &limits.Requests) }},
		field{"queue", func(_, v *node) { l.integer(v, 0, maxPoolLimit, &limits.Queue) }},
		field{"wait", l.durationInto(&limits.Wait)},
	)
	if !ok {
		return
	}
	queue, wait := v.get("queue"), v.get("wait")
	bounded := limits.Connections > 0 || limits.Requests > 0
	switch {
	case queue != nil && !bounded:
		l.errorAt(queue, Diagnostic{Msg: "requests queue for a limit, and there is none", Want: "a limit of connections or requests beside queue"})
	case wait != nil && !bounded:
		l.errorAt(wait, Diagnostic{Msg: "requests wait for a limit, and there is none", Want: "a limit of connections or requests beside wait"})
	case wait != nil && queue != nil && queue.text == "0":
		l.errorAt(wait, Diagnostic{Msg: "no request waits, because queue is 0", Want: "wait without queue: 0"})
	case bounded && queue == nil:
		limits.Queue = defaultQueue
	}
	if limits.Queue > 0 && limits.Wait == 0 {
		limits.Wait = defaultWait
	}
}

// readKeepAlive reads how long connections are kept; a bare value is the time without a request, or off.
func (l *loader) readKeepAlive(v *node, k *KeepAlive) {
	if v.shape != mapping {
		if v.text == "off" || v.text == "false" {
			k.Connections = 0
			return
		}
		before := len(l.diagnostics)
		l.duration(v, minTimeout, &k.Idle)
		l.orWord("off", v, before)
		return
	}
	ok := l.fields(
		v, "keepalive",
		field{"idle", l.durationInto(&k.Idle)},
		field{"age", func(_, v *node) { l.durationOr("unlimited", v, minTimeout, &k.Age) }},
		field{"requests", func(_, v *node) { l.integerOr("unlimited", v, 1, maxPoolLimit, &k.Requests) }},
		field{"connections", func(_, v *node) { l.integer(v, 0, maxIdleConnections, &k.Connections) }},
		field{"warm", func(_, v *node) { l.integer(v, 0, maxIdleConnections, &k.Warm) }},
		field{"streams", func(_, v *node) { l.integer(v, 1, maxStreams, &k.Streams) }},
		field{"ping", func(_, v *node) { l.durationOr("off", v, minPing, &k.Ping) }},
	)
	if warm := v.get("warm"); ok && warm != nil && k.Warm > k.Connections {
		l.errorAt(warm, Diagnostic{
			Msg:  "warm opens " + strconv.Itoa(k.Warm) + " connections to a member, and " + strconv.Itoa(k.Connections) + " idle ones are kept",
			Want: "warm of at most connections",
		})
	}
}

// readResolve reads when names are looked up again; a bare value is the time between two look-ups, or auto.
func (l *loader) readResolve(v *node, r *Resolve) {
	every := func(_, v *node) { l.durationOr("auto", v, minResolve, &r.Every) }
	if v.shape != mapping {
		every(nil, v)
		return
	}
	ok := l.fields(
		v, "resolve",
		field{"every", every},
		field{"min", func(_, v *node) { l.duration(v, minResolve, &r.Min) }},
		field{"max", func(_, v *node) { l.duration(v, minResolve, &r.Max) }},
		field{"servers", func(_, v *node) { l.nameServers(v, &r.Servers) }},
	)
	if !ok {
		return
	}
	for _, key := range []string{"min", "max"} {
		if bound := v.get(key); bound != nil && r.Every > 0 {
			l.errorAt(bound, Diagnostic{Msg: strconv.Quote(key) + " bounds the time to live of answers, and every is a fixed time", Want: "every: auto"})
			return
		}
	}
	if r.Min > r.Max {
		at := v.get("min")
		if at == nil {
			at = v.get("max")
		}
		l.errorAt(at, Diagnostic{Msg: "min is more than max", Want: "min of at most max"})
	}
}

// nameServers reads IP[:PORT], or a list of them.
func (l *loader) nameServers(v *node, into *[]netip.AddrPort) {
	const want = "the address of a name server such as 10.0.0.53 or [2001:db8::53]:53"
	var servers []netip.AddrPort
	for _, item := range l.items(v) {
		s, ok := l.text(item, want)
		if !ok {
			continue
		}
		ap, err := netip.ParseAddrPort(s)
		if err != nil {
			var addr netip.Addr
			if addr, err = netip.ParseAddr(s); err == nil {
				ap = netip.AddrPortFrom(addr, 53)
			}
		}
		switch {
		case err != nil || ap.Port() == 0:
			l.errorAt(item, Diagnostic{Msg: strconv.Quote(s) + " is not the address of a name server", Want: want})
		case len(servers) == maxNameServers:
			l.errorAt(item, Diagnostic{Msg: "more than " + strconv.Itoa(maxNameServers) + " name servers", Want: "fewer servers"})
			return
		default:
			servers = append(servers, ap)
		}
	}
	if len(servers) > 0 {
		*into = servers
	} else if v.shape == list && len(v.items) == 0 {
		l.errorAt(v, Diagnostic{Msg: "the list is empty", Want: want})
	}
}
