package discovery

import "time"

const (
	// minTTL and maxTTL bound how often a name is resolved, whatever its TTL
	// is. A TTL of 0, which says that an answer is good once, counts as
	// minTTL.
	minTTL = 5 * time.Second
	maxTTL = 5 * time.Minute

	// hostsTTL is how often the hosts file is looked at for a name that it
	// has; it is read only if it has changed.
	hostsTTL = 5 * time.Second

	// jitter is by how much, up and down, the time to the next look-up is
	// changed at random, so that many names are not resolved in one instant.
	jitter = 0.1

	// A look-up that has failed is repeated after retryFirst, and each time
	// after twice as long, up to retryMost.
	retryFirst = time.Second
	retryMost  = 30 * time.Second

	// lookTime bounds a look-up as a whole.
	lookTime = 30 * time.Second

	// parallel is how many look-ups are under way at once. Each of them asks
	// for a few records at once.
	parallel = 16

	// maxRecords is how many records of an answer are heeded.
	maxRecords = 1024

	// maxTargets is how many hosts of a SRV answer are resolved, and
	// targetsAtOnce how many of them at once.
	maxTargets    = 128
	targetsAtOnce = 8

	// maxChain is how many CNAMEs are followed.
	maxChain = 16

	// udpSize is the size of messages over UDP that the name server is told
	// to keep to: what passes all networks without fragments (DNS flag day
	// 2020).
	udpSize = 1232

	// maxNameServers is how many name servers of resolv.conf are used, as
	// glibc does.
	maxNameServers = 3
)
