package policy

import "strconv"

// Method is a way to choose the member of a pool.
type Method uint8

// The methods of balance.
const (
	RoundRobin Method = iota
	LeastConn
	// TwoChoices takes the less loaded of two members drawn at random; it is written p2c.
	TwoChoices
	HashIP
	HashHeader
	HashPath
)

// Balance chooses the member of a pool that gets the next request: balance least-conn.
type Balance struct {
	Method Method
	// Field is the name of the header field for HashHeader.
	Field string
}

var _ Policy = Balance{}

// Name returns "balance".
func (Balance) Name() string { return "balance" }

// Available says that this version balances in turn only.
func (b Balance) Available() bool { return b.Method == RoundRobin }

// Slot is the same for all.
func (Balance) Slot() string { return "balance" }

// String writes the canonical line.
func (b Balance) String() string {
	switch b.Method {
	case LeastConn:
		return "balance least-conn"
	case TwoChoices:
		return "balance p2c"
	case HashIP:
		return "balance hash ip"
	case HashHeader:
		return "balance hash header " + b.Field
	case HashPath:
		return "balance hash path"
	}
	return "balance round-robin"
}

func parseBalance(w *words) (Policy, *Error) {
	item, err := w.need("the way to balance")
	if err != nil {
		return nil, err
	}
	switch item.Text {
	case "round-robin":
		return Balance{Method: RoundRobin}, nil
	case "least-conn":
		return Balance{Method: LeastConn}, nil
	case "p2c":
		return Balance{Method: TwoChoices}, nil
	case "hash":
		return parseHash(w)
	}
	e := item.wrong("unknown way to balance "+strconv.Quote(item.Text), "round-robin, least-conn, p2c, hash ip, hash header NAME or hash path")
	e.Suggest = suggest(item.Text, "round-robin", "least-conn", "p2c", "hash")
	return nil, e
}

func parseHash(w *words) (Policy, *Error) {
	item, err := w.need("what to hash")
	if err != nil {
		return nil, err
	}
	switch item.Text {
	case "ip":
		return Balance{Method: HashIP}, nil
	case "path":
		return Balance{Method: HashPath}, nil
	case "header":
		name, err := w.need("the name of the header field")
		if err != nil {
			return nil, err
		}
		if err := checkFieldName(name, 0, len(name.Text)); err != nil {
			return nil, err
		}
		return Balance{Method: HashHeader, Field: name.Text}, nil
	}
	e := item.wrong("cannot hash "+strconv.Quote(item.Text), "hash ip, hash header NAME or hash path")
	e.Suggest = suggest(item.Text, "ip", "header", "path")
	return nil, e
}
