package h2

// Most attacks on HTTP/2 are made of frames that are valid, cheap to send, and cost the receiver something while nothing
// comes of them: streams that are reset as soon as they are opened, acknowledgements asked for by the million, windows
// opened byte by byte. A limit on each kind by itself lets a peer have all of them at once. Here every such thing costs
// points of one account; time and progress pay them back. A peer that is deeper in debt than Budget.Points is told to
// calm down (ENHANCE_YOUR_CALM), and the connection ends.

// Budget is how much a peer may cost.
type Budget struct {
	// Points is how far a connection may be in debt.
	Points uint32
	// PerSecond is how many points time pays back.
	PerSecond uint32
}

// DefaultBudget lets a browser leave a page with two hundred requests under way, and a proxy cancel twenty requests a
// second besides those that end well.
var DefaultBudget = Budget{Points: 4000, PerSecond: 400}

// What things cost.
const (
	// costReset is a stream that a client has reset before we had answered it, costRefused one above the limit.
	costReset   = 20
	costRefused = 20
	// costFault is a frame or a message that makes us reset a stream (MadeYouReset is a flood of them).
	costFault = 40
	// costHuge is a head over the limits, which is decoded to its end all the same; costExpansion is for each KiB of one
	// that is decoded beyond that.
	costHuge      = 20
	costExpansion = 10
	// costSettings is a SETTINGS frame, which is acknowledged, together with 1 for each setting in it and for each
	// open stream whose window it changes. costTableSize is a change of the encoder's table, which is emptied.
	costSettings  = 10
	costTableSize = 10
	// costPing is a PING, which is answered, or an answer to one that was never sent. It is less than what a frame of
	// content pays, because some clients measure the way with a PING after each.
	costPing = 2
	// costFrame is a frame without any effect: PRIORITY, of a type that is unknown, for a stream that is closed.
	costFrame = 2
	// costEmpty is DATA without content, an interim response, or CONTINUATION. streamPoints is how far a stream of ours
	// may be in debt for the first two: see Conn.idles.
	costEmpty    = 4
	streamPoints = 400
	// costUpdate is a WINDOW_UPDATE of less than smallUpdate. Larger ones are bounded by what a window can be.
	costUpdate  = 1
	smallUpdate = 1024
	// costCramped is a DATA frame of ours that a window made tiny: of less than tiny bytes.
	costCramped = 4
	tiny        = 64
)

// What pays points back.
const (
	// paidStream is a stream that ends well at both ends.
	paidStream = 10
	// paidSent is a DATA frame of ours that is not cramped, paidReceived one of the peer's that is not tiny.
	paidSent     = 4
	paidReceived = 2
)

// charge books what the peer has cost, and reports false if it is too much: the caller ends the connection. Time is
// looked at only then, so that most charges are an addition.
func (c *Conn) charge(points uint32) bool {
	c.debt += points
	return c.debt <= c.cfg.Budget.Points || c.forgive()
}

// forgive lets time pay, and reports whether that was enough.
func (c *Conn) forgive() bool {
	elapsed := uint64(max(c.sc.Now-c.settled, 0))
	c.settled = c.sc.Now
	paid := elapsed * uint64(c.cfg.Budget.PerSecond) / 1000
	c.debt -= uint32(min(uint64(c.debt), paid))
	return c.debt <= c.cfg.Budget.Points
}

// pay books progress.
func (c *Conn) pay(points uint32) { c.debt -= min(c.debt, points) }

// Debt is how many points the peer owes, before time has paid.
func (c *Conn) Debt() uint32 { return c.debt }
