package config

import "time"

// routeDefaults is what a route has where it says nothing itself. A group's are those of the file with its own on top.
type routeDefaults struct {
	timeouts Timeouts
	static   Static
}

func defaultRoute() routeDefaults {
	return routeDefaults{
		timeouts: Timeouts{Connect: 5 * time.Second, FirstByte: 60 * time.Second, Idle: 60 * time.Second},
		static:   defaultStatic(),
	}
}

func (l *loader) readProxy(_, value *node) { l.proxyDefaults(value, "proxy", &l.defaults) }

// proxyDefaults reads the section `proxy` of the file or of a group.
func (l *loader) proxyDefaults(value *node, where string, d *routeDefaults) {
	l.fields(
		value, where,
		field{"timeouts", func(_, v *node) { l.readTimeouts(v, &d.timeouts) }},
		field{"balance", func(_, v *node) { l.readBalance(v) }},
		field{"health", l.refuse(healthShape)},
		field{"breaker", l.refuse(breakerShape)},
		field{"retry", l.refuse(retryShape)},
	)
}

func (l *loader) readTimeouts(value *node, t *Timeouts) {
	l.fields(
		value, "timeouts",
		field{"connect", l.durationInto(&t.Connect)},
		field{"first-byte", l.durationInto(&t.FirstByte)},
		field{"idle", l.durationInto(&t.Idle)},
	)
}
