package config

import (
	"slices"
	"time"
)

// routeDefaults is what a route has where it says nothing itself. A group's are those of the file with its own on top.
type routeDefaults struct {
	timeouts Timeouts
	static   Static
	retry    Retry
	upgrade  bool
	errors   Errors

	// balance and attempts are where this level, and none above it, gives a way to balance and a number of retries.
	balance  *setting
	attempts *node

	// What a group says of health and the breaker stands for what the pools of its routes say.
	ownHealth, ownBreaker bool
	health                *Health
	breaker               *Breaker
}

// below returns the defaults for the level below, which sets nothing itself yet.
func (d routeDefaults) below() routeDefaults {
	d.static.Index = slices.Clone(d.static.Index)
	d.balance, d.attempts = nil, nil
	return d
}

func defaultRoute() routeDefaults {
	return routeDefaults{
		timeouts: Timeouts{Connect: 5 * time.Second, FirstByte: 60 * time.Second, Idle: 60 * time.Second, Tunnel: time.Hour},
		static:   defaultStatic(),
		retry:    defaultRetry(),
		upgrade:  true,
	}
}

// readProxy reads the section of the file. What it says of health and the breaker is for the pools that say nothing
// themselves.
func (l *loader) readProxy(_, value *node) {
	l.proxyDefaults(value, "proxy", &l.defaults)
	d := &l.defaults
	if d.ownHealth {
		l.cfg.Pool.Health = d.health
	}
	if d.ownBreaker {
		l.cfg.Pool.Breaker = d.breaker
	}
	d.ownHealth, d.ownBreaker = false, false
}

// proxyDefaults reads the section `proxy` of the file or of a group.
func (l *loader) proxyDefaults(value *node, where string, d *routeDefaults) {
	before := len(l.diagnostics)
	l.fields(
		value, where,
		field{"timeouts", func(_, v *node) { l.readTimeouts(v, &d.timeouts) }},
		field{"balance", func(_, v *node) {
			if b := l.readBalance(v); b != nil {
				d.balance = &setting{policy: *b, at: v, n: len(v.text)}
			}
		}},
		field{"health", func(_, v *node) { d.ownHealth, d.health = true, l.readHealth(v) }},
		field{"breaker", func(_, v *node) { d.ownBreaker, d.breaker = true, l.readBreaker(v) }},
		field{"retry", func(_, v *node) {
			if at := l.readRetry(v, &d.retry); at != nil {
				d.attempts = at
			}
		}},
		field{"upgrade", func(_, v *node) { l.readSwitch(v, &d.upgrade) }},
	)
	l.explainPoolKeys(value, before)
}

func (l *loader) readTimeouts(value *node, t *Timeouts) {
	l.fields(
		value, "timeouts",
		field{"connect", l.durationInto(&t.Connect)},
		field{"first-byte", l.durationInto(&t.FirstByte)},
		field{"idle", l.durationInto(&t.Idle)},
		field{"tunnel", l.durationInto(&t.Tunnel)},
	)
}
