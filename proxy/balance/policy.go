package balance

// Policy is a way to choose a member.
type Policy uint8

const (
	// RoundRobin takes members in turn, the heavier ones more often and evenly
	// spread: nginx's smooth weighted round robin.
	RoundRobin Policy = iota
	// LeastConn takes the member with the fewest requests under way for its
	// weight; members that are equal take turns.
	LeastConn
	// P2C draws two members by their weights and takes the one from which the
	// quicker answer is to be expected.
	P2C
	// Hash takes the same member for the same key, unless that member is down
	// or has far more to do than the others.
	Hash
)

// String is the policy's name in the configuration.
func (p Policy) String() string {
	switch p {
	case RoundRobin:
		return "round-robin"
	case LeastConn:
		return "least-conn"
	case P2C:
		return "p2c"
	case Hash:
		return "hash"
	}
	return "unknown"
}
