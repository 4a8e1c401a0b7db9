package tlsedge

import "time"

const (
	// helloMost is how many bytes a ClientHello may take, with the heads of its
	// records. Post-quantum key shares, a ticket with a client's certificates,
	// and an encrypted inner hello make some thousand; beyond, the connection ends.
	helloMost = 64 << 10

	// helloRecords is up to how many records of a ClientHello are gone over whenever a
	// byte comes. In more, the rest is waited for.
	helloRecords = 64

	// heldMost is how many bytes of a client's are kept while its handshake waits
	// for its turn, or for a signature.
	heldMost = 68 << 10

	// flightsMost is how many handshakes of a shard may be under way, each with
	// the memory of a coroutine and of crypto/tls's state, some 40 KiB. The others
	// wait, with their ClientHello, as long as their deadline lets them.
	flightsMost = 2048

	// crowdedAfter is how long a client may keep the handshake waiting for its next
	// bytes when others wait for a place: several times the way to anywhere on Earth.
	crowdedAfter = time.Second

	// unsaidMost is how much there may be to be said for crypto/tls, beside
	// content, that the peer has not taken: answers to its requests for new keys,
	// with which it could go on without end. The connection is ended then.
	unsaidMost = 64 << 10

	// flightsKept is how many coroutines without a handshake are kept.
	flightsKept = 64

	// startsPerTurn is how many handshakes begin in one turn of the shard: at up to
	// 0.2 ms each, the connections that are open already do not wait long.
	startsPerTurn = 8

	// signaturesMost is how many signatures a shard has made for it at the same
	// time, and unsignedMost how many handshakes wait for theirs to begin. Beyond,
	// a handshake is refused: at a millisecond each, the wait would be longer than
	// any client's patience.
	signaturesMost = 64
	unsignedMost   = 1024

	// smallRecord is how much content a record has at the beginning of a burst, so
	// that it fits one segment of TCP and can be opened when that arrives; after
	// smallBurst bytes records have mediumRecord bytes, after mediumBurst the most
	// that TLS allows. A connection that has sent nothing for burstPause begins anew.
	smallRecord  = 1300
	mediumRecord = 4 << 10
	smallBurst   = 13_000
	mediumBurst  = 48 << 10
	burstPause   = time.Second

	// uselessMost is how many records without content may follow each other.
	uselessMost = 16

	// gcmRecords is after how many records a key of AES-GCM is replaced (RFC 8446,
	// section 5.5, allows 2^24.5 of full size).
	gcmRecords = 1 << 24

	// looksApart is after how many sends of a connection whose records the kernel
	// makes these are counted. One send makes at most some seventy, so that a
	// key is used for 2 % more records than intended.
	looksApart = 1 << 12

	// coolAfter is how long a connection rests until its key schedules are dropped, and
	// coolSoon how long if there are more than warmMost with key schedules.
	// coolPerTick is how many are looked at in a second, and coolPerWake when one is
	// added to more than warmMost.
	coolAfter   = 2 * time.Second
	coolSoon    = 250 * time.Millisecond
	warmMost    = 4096
	coolPerTick = 8192
	coolPerWake = 4

	// configsMost is how many configurations a shard keeps copies for, and keysMost
	// for how many certificates; when there are more, those of reloads long past
	// are among them, and all are made anew.
	configsMost = 64
	keysMost    = 4096

	// clientsMost is for how many members of upstreams a shard keeps a copy of a
	// configuration and a session, some 2 KiB each. There are more when members come
	// and go; all are made anew then.
	clientsMost = 4096

	// ticketMost is how long a session ticket may be for its message to be certain
	// to fit one record.
	ticketMost = 15 << 10
)
