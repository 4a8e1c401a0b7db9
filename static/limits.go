package static

// The bounds of this package, each with what happens when it is reached.
const (
	// smallLimit is the longest content that is served from memory; longer
	// content is sent from its descriptor. It equals the arena's page size.
	smallLimit = pageSize

	// checkInterval is for how many seconds an entry is believed; the first
	// request after that looks at the file system again.
	checkInterval = 1

	// youngSeconds is how long a changed file is suspected to change again
	// without a visible change of its timestamps. Until it has passed, the
	// entity tag is weak and the next check reads the file anew.
	youngSeconds = 2

	// idleLimit is after how many seconds without a request Expire drops an
	// entry or a root, and with it the descriptor.
	idleLimit = 60

	// expireBatch is how many entries one call of Expire drops at most; the next
	// call goes on.
	expireBatch = 64

	// nameLimit is PATH_MAX, which counts the terminating NUL. A longer path
	// cannot name a file and is not found.
	nameLimit = 4096

	// pathLimit is the length of the longest name with every octet
	// percent-encoded. A longer path can only be made of doubled slashes, and is
	// not found; it also bounds what an entry's copy of its path takes.
	pathLimit = 3 * nameLimit

	// missPathLimit is the longest path whose failure is remembered. The answer
	// for a longer one is worked out each time.
	missPathLimit = 512

	// minorShare is the share of the entries (one in minorShare) for failures,
	// redirects and unusual spellings of paths, so that a client that makes up
	// paths cannot push out the files.
	minorShare = 8

	// minEntries is the smallest cache; NewCache raises a smaller number.
	minEntries = 16

	// evictionsPerLoad is how many entries are examined at most to make room in
	// memory for one more; then the new one is sent from its descriptor.
	evictionsPerLoad = 64

	// readAttempts is how often a small file that changes while it is read is
	// tried; then it is sent from its descriptor.
	readAttempts = 2

	// openAttempts is how often a system call is repeated that was interrupted
	// or that raced with a rename; then the answer is 503.
	openAttempts = 8

	// maxIndexNames is how many index names a site may have; Compile refuses
	// more.
	maxIndexNames = 8

	// nameMax is NAME_MAX, the longest name of one directory entry.
	nameMax = 255

	// maxRanges is how many ranges a request may ask for; one that asks for more
	// gets the whole content.
	maxRanges = 64

	// rangeGap is up to how many octets between two ranges are sent with them
	// rather than split off: about what the head of another part takes.
	rangeGap = 160

	// maxListing is how many entries of a directory are listed; the rest is
	// left out, and the listing says so.
	maxListing = 10_000

	// maxHints is how many assets of a page are announced by Early Hints, and
	// maxHintBytes how long their field lines are together; further ones are left
	// out.
	maxHints     = 16
	maxHintBytes = 2048

	// codableLimit is the longest content that is coded while serving. Forms that
	// lie beside their file may be of longer content.
	codableLimit = 16 << 20

	// shelfSlots is how many forms that were made while serving are kept for all
	// caches together, in groups of shelfWays; a further one takes the place of one
	// of its group.
	shelfSlots = 4096
)
