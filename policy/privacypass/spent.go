package privacypass

// spentLimit is how many tokens may be redeemed in a window. Beyond, tokens are not accepted until the next window,
// because nobody could tell whether they were redeemed before. They take some 30 MB.
const spentLimit = 1 << 20

// TokenID tells the tokens of a policy apart.
type TokenID [16]byte

// Outcome is what has become of a token.
type Outcome uint8

// The outcomes.
const (
	// Invalid is a token that the issuer has not made.
	Invalid Outcome = iota
	// Redeemed is a token that was good, and is spent now.
	Redeemed
	// Double is a token that was redeemed before.
	Double
	// Expired is a token whose window has passed while it waited.
	Expired
	// Full says that no more tokens can be remembered in this window.
	Full
)

// Spent are the tokens that were redeemed in the newest window and in the one before it. The zero value is empty. It is
// for one goroutine at a time.
type Spent struct {
	newest  int64
	windows [2]map[TokenID]struct{} // the newest, and the one before it
}

// Has reports whether a token was redeemed.
func (s *Spent) Has(window int64, id TokenID) bool {
	age := s.newest - window
	if age < 0 || age > 1 {
		return false
	}
	_, spent := s.windows[age][id]
	return spent
}

// Add makes a token one that was redeemed, if it is not yet.
func (s *Spent) Add(window int64, id TokenID) Outcome {
	switch ahead := window - s.newest; {
	case ahead == 1:
		s.windows[0], s.windows[1] = nil, s.windows[0]
		s.newest = window
	case ahead > 1:
		s.windows = [2]map[TokenID]struct{}{}
		s.newest = window
	}
	age := s.newest - window
	if age > 1 {
		return Expired
	}
	w := s.windows[age]
	if _, spent := w[id]; spent {
		return Double
	}
	if len(w) >= spentLimit {
		return Full
	}
	if w == nil {
		w = make(map[TokenID]struct{})
		s.windows[age] = w
	}
	w[id] = struct{}{}
	return Redeemed
}
