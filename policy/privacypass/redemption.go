package privacypass

import "crypto/sha256"

// Redemption is a token on its way to be verified. Accept fills it in.
type Redemption struct {
	ledger Ledger
	key    *Key
	window int64
	token  Token
}

// Run verifies the token, and spends it if it is good. A token that was redeemed before costs no verification, and one
// that is not good takes no room in the ledger.
func (r *Redemption) Run() Outcome {
	id := r.token.id()
	switch {
	case r.ledger.Has(r.window, id):
		return Double
	case !r.key.Verify(&r.token):
		return Invalid
	}
	return r.ledger.Add(r.window, id)
}

// id tells tokens apart by everything but the authenticator, of which one token can have many.
func (t *Token) id() TokenID {
	sum := sha256.Sum256(t.input())
	return TokenID(sum[:])
}
