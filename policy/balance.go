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
	HashCookie
	HashPath
)

// Balance chooses the member of a pool that gets the next request: balance least-conn.
type Balance struct {
	Method Method
	// Field is the name of the header field for HashHeader, and that of the cookie for HashCookie.
	Field string
}

var _ Policy = Balance{}

// Name returns "balance".
func (Balance) Name() string { return "balance" }

// Available says that this version balances.
func (Balance) Available() bool { return true }

// Slot is the same for all.
func (Balance) Slot() string { return "balance" }

// String writes the canonical line.
func (b Balance) String() string { return "balance " + b.Args() }

// Args writes the line without the policy's name.
func (b Balance) Args() string {
	switch b.Method {
	case LeastConn:
		return "least-conn"
	case TwoChoices:
		return "p2c"
	case HashIP:
		return "hash ip"
	case HashHeader:
		return "hash header " + b.Field
	case HashCookie:
		return "hash cookie " + b.Field
	case HashPath:
		return "hash path"
	}
	return "round-robin"
}

// balanceForms are the arguments that balance takes.
const (
	hashForms    = "hash ip, hash header NAME, hash cookie NAME or hash path"
	balanceForms = "round-robin, least-conn, p2c, " + hashForms
)

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
	e := item.wrong("unknown way to balance "+strconv.Quote(item.Text), balanceForms)
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
	case "cookie":
		name, err := w.need("the name of the cookie")
		if err != nil {
			return nil, err
		}
		if err := checkCookieName(name); err != nil {
			return nil, err
		}
		return Balance{Method: HashCookie, Field: name.Text}, nil
	}
	e := item.wrong("cannot hash "+strconv.Quote(item.Text), hashForms)
	e.Suggest = suggest(item.Text, "ip", "header", "cookie", "path")
	return nil, e
}

// checkCookieName checks that the word is the name of a cookie (RFC 6265, section 4.1.1).
func checkCookieName(item word) *Error {
	if item.Text == "" {
		return item.wrong("the name of the cookie is missing", "the name of a cookie such as session_id")
	}
	for i := 0; i < len(item.Text); i++ {
		if !tchar(item.Text[i]) {
			return item.wrong(strconv.Quote(item.Text)+" is not the name of a cookie", "letters, digits and - (RFC 6265, section 4.1.1)")
		}
	}
	return nil
}
