package config

import "time"

// The bounds of what a configuration may hold. They exist so that a wrong or hostile file ends with a diagnostic
// instead of exhausting the machine; no sensible file comes near them.
const (
	// maxFileBytes bounds one file. A larger one is refused unread.
	maxFileBytes = 16 << 20
	// maxFiles bounds the files of one configuration, included ones counted. Further includes are refused.
	maxFiles = 1000
	// maxIncludeDepth bounds includes in included files. A deeper one is refused.
	maxIncludeDepth = 16
	// maxNodes bounds the values of one file after its aliases were expanded. An alias beyond it is refused.
	maxNodes = 1 << 20
	// maxDepth bounds nesting. A deeper value is refused.
	maxDepth = 32
	// maxExpandedBytes bounds the text of one string after ${NAME} was replaced. A longer one is refused.
	maxExpandedBytes = 1 << 20
	// maxRepairBytes bounds the text that is parsed in all to find and mend the syntax errors of a file. When it is used
	// up, errors are placed less exactly and reading stops at the first.
	maxRepairBytes = 16 << 20
	// maxRepairs bounds how often reading goes on after a YAML syntax error. The errors behind the last one are not
	// reported until those before were corrected.
	maxRepairs = 20
	// maxBadBytes bounds the diagnostics about bytes that are not text.
	maxBadBytes = 10
	// maxDiagnostics bounds what is reported in one run. Further errors are counted.
	maxDiagnostics = 500
	// maxMessage bounds each text of a diagnostic in bytes, since messages quote the file; the rest is left out.
	maxMessage = 1 << 10
	// maxSourceLine bounds the part of a line that a diagnostic holds, in bytes.
	maxSourceLine = 64 << 10
	// maxSourceColumns bounds the part of a line that a diagnostic shows; of a longer line it shows the part around
	// the caret.
	maxSourceColumns = 160
	// maxListeners bounds the addresses that are listened to. Further ones are refused.
	maxListeners = 256

	// maxAdminListeners is the same for those of `admin`.
	maxAdminListeners = 16
	// maxMembers bounds the members of a pool. Further ones are refused.
	maxMembers = 1024
	// maxPerAddress is the largest limit of connections per address, which is what a counter of them holds.
	maxPerAddress = 1<<24 - 2

	// maxPolicies bounds the policies of one list. Further ones are refused.
	maxPolicies = 64
	// maxWeight bounds the weight of a member.
	maxWeight = 1000
	// maxTrust bounds the addresses that are trusted. Further ones are refused.
	maxTrust = 1024
	// maxReach bounds the paths of a list of server.landlock.
	maxReach = 256
	// maxHealthPath bounds the path of health checks, in bytes.
	maxHealthPath = 2048
	// maxStatusRanges bounds the ranges of statuses of a health check.
	maxStatusRanges = 32
	// minHealthEvery is the least time between two checks of a member: more would be load.
	minHealthEvery = 100 * time.Millisecond
	// maxJitter bounds by how much the time between two checks differs, in thousandths of a percent.
	maxJitter = 50_000
	// minEject is the shortest ejection, and minWindow the shortest window and opening of a breaker: what happens to
	// requests is looked at ten times in a second.
	minEject  = 100 * time.Millisecond
	minWindow = 100 * time.Millisecond
	// minResolve is the least time between two look-ups of a name.
	minResolve = 100 * time.Millisecond
	// maxErrorsInRow bounds the number of errors that eject a member.
	maxErrorsInRow = 1_000_000
	// maxNameServers bounds the name servers of a pool.
	maxNameServers = 8
	// maxPoolLimit bounds the limits of a pool; it is that of connections of the process.
	maxPoolLimit = 1 << 30
	// maxIdleConnections bounds the idle connections that a shard keeps to one member.
	maxIdleConnections = 1 << 16
	// maxStreams bounds the requests that a connection of HTTP/2 carries at a time.
	maxStreams = 1000
	// minPing is the shortest silence after which a connection is asked whether its member is still there: servers take
	// more for an attack.
	minPing = time.Second
	// MaxPageBytes bounds the content of an error page, which every shard answers from memory.
	MaxPageBytes = 64 << 10
	// maxMasked bounds the names whose values are not logged, and maxLogName the length of such a name.
	maxMasked  = 256
	maxLogName = 64
	// maxTraceHeaders bounds the fields that a collector is sent.
	maxTraceHeaders = 16
	// minSlow bounds from when on an exchange is slow.
	minSlow = time.Millisecond
	// maxShards bounds the number of event loops.
	maxShards = 1024
	// maxIndex bounds the index files that are tried in a directory.
	maxIndex = 16
	// maxSocketPath is the room for a path in sockaddr_un, less the closing NUL.
	maxSocketPath = 107
)
