package h2

// EventKind is what Next reports.
type EventKind uint8

// The events. Stream is set wherever a stream is named; s is it.
const (
	// EventNone: all of p is consumed and there is nothing to tell.
	EventNone EventKind = iota
	// EventHead: a request (Server: Scratch.Request) or the final response (Client: Scratch.Response) has come, and
	// End says that there is no content. On a server the stream is new and the owner's from now on; on a client it is
	// one that Open has made. The head is valid until the next call of Next of any Conn with the same Scratch.
	EventHead
	// EventRefuse (Server): a request has come that is not to be served but can be answered, with Status: 431, 414 or 417;
	// Reason names the cause for logs. There is no head to look at. The stream is the owner's, like that of EventHead; its
	// content is not delivered, its end is, unless End.
	EventRefuse
	// EventInterim (Client): a 1xx response is in Scratch.Response.
	EventInterim
	// EventData: Data is a piece of the content, borrowed from p, which may be empty if End. Grant gives its room back.
	EventData
	// EventTrailers: the content has ended. Trailers holds the trailer fields as lines ("name: value\r\n"), without those
	// that may not be there, or nil; valid until the next call of Next. End is set.
	EventTrailers
	// EventReset: the stream is over, by the peer's RST_STREAM (Remote) or because its frames were wrong, and an
	// RST_STREAM is in Out. Code tells why. Nothing more may be sent on it. The owner releases it when its work has
	// ended, at the latest.
	EventReset
	// EventWritable: more may be sent, on Stream, or on any stream if Stream is nil.
	EventWritable
	// EventGoAway: the peer starts no further streams and, of ours, handles none above Last. Those are reported behind
	// it by EventReset with Code RefusedStream and Remote. Code tells why; Data is its debug data, as far as it is worth
	// logging, borrowed.
	EventGoAway
	// EventPingAck: the answer to Ping has come.
	EventPingAck
	// EventSettings: the peer's settings have come, for the first time or anew. CanOpen, ExtendedConnect and the windows of
	// all streams may have changed: it is also what EventWritable without a stream is.
	EventSettings
	// EventFatal: the connection is over because of what the peer sent; a GOAWAY with Code is in Out. The owner writes
	// Out and closes. Reason names the cause for logs. Streams are still the owner's; Next does nothing any more.
	EventFatal
)

// Event is what one call of Next found. The caller provides it, so that it can be used again; fields that its Kind does not
// mention may hold what they held before.
type Event struct {
	Kind     EventKind
	End      bool // the peer has ended its side of the stream
	Remote   bool // EventReset: by the peer
	Status   uint16
	Code     Code
	Last     uint32
	Stream   *Stream
	Data     []byte
	Trailers []byte
	Reason   string // a stable code, as in http1.Error
}
