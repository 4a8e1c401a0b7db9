package auth

const (
	// maxTokens bounds the tokens of a route: each request is compared with
	// all of them.
	maxTokens = 1024

	// MaxCredentials bounds the user and password of a request; longer ones
	// are wrong.
	MaxCredentials = 512

	// knownSets and knownWays say how many users with their passwords are
	// remembered, and in how many places each may be.
	knownSets = 1024
	knownWays = 4

	// maxCost and maxRounds bound what one password may cost: about ten
	// seconds of a core.
	maxCost   = 17
	maxRounds = 5_000_000
)
