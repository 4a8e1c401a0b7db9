// Package chaos drives the anygate binary while its upstreams fail. Three processes stand behind it, killed, stopped,
// slowed and started again at random, and clients in front of it that check every byte.
//
// What a client gets is computed from what it asked for, so that a response that belongs to somebody else, or to nobody,
// shows. At every moment at least one member works. Every idempotent request whose response fits into one write has to
// succeed, unless each of the members was down at some moment while it was under way; no other request may be carried out
// twice; and memory stays what it was.
//
// The run takes ten seconds on each engine; ANYGATE_CHAOS_TIME=60s is the full one. The order of events comes from a seed,
// which a failing run prints and ANYGATE_CHAOS_SEED takes; their exact times are the machine's. Peers: the package's own
// processes, which speak HTTP through net/http's parser, before and behind.
package chaos
