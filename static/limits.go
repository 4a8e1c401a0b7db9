package static

// The bounds of this package, each with what happens when it is reached.
const (
	// smallLimit is the longest content that is served from memory; longer
	// content is sent from its descriptor. Up to here one send from memory is
	// cheaper than sendfile(2), beyond 48 KiB it is dearer.
	smallLimit = 32 << 10

	// polledLease and watchedLease are for how many milliseconds an entry is
	// believed: the first where only looking tells of changes, the second where
	// inotify tells of them, and looking is for what inotify does not see, such as
	// a write through another hard link.
	polledLease  = 1000
	watchedLease = 10_000

	// renewAhead is how many milliseconds before the end of its lease an entry
	// that is in use is looked after, so that nobody waits for that.
	renewAhead = 500

	// rootInterval is how many milliseconds pass between two looks at what the
	// path of a root names.
	rootInterval = 250

	// rootAttempts is how often something is looked for that was not found in a root
	// which meanwhile gave its place to another, or is about to; some milliseconds in all.
	rootAttempts = 10

	// youngSeconds is how long a changed file is suspected to change again
	// without a visible change of its timestamps. Until it has passed, the
	// entity tag is weak and the next check reads the file anew.
	youngSeconds = 2

	// passSeconds is how long one pass of Age over all entries takes. After so many
	// passes without a request an entry is dropped: soon if it holds a descriptor or
	// stands for nothing, late if all that it takes is memory.
	passSeconds   = 10
	idlePasses    = 6
	idleMostly    = 60
	idleFormsMost = 360

	// frequencyShift makes the frequency of an entry decay: by an eighth with each
	// pass, by half in a minute.
	frequencyShift = 3

	// victims is how many entries are looked at to find one that makes room.
	victims = 8

	// reserveShare is the part (one in reserveShare) of memory and of entries that
	// the index leaves alone: for what is not worth keeping and is only being sent,
	// and for what has been dropped but is still being sent.
	reserveShare = 16
	reserveLeast = 64

	// bytesPerEntry is how much memory there is for each entry: the heads and
	// contents of the small files of a site. With larger ones the index is not full when
	// memory is.
	bytesPerEntry = 1 << 10

	// maxEntries bounds the index, whatever memory there is.
	maxEntries = 1 << 20

	// minBytes and minEntries are the smallest cache; smaller numbers are raised.
	minBytes   = 1 << 20
	minEntries = 16

	// evictionsPerLoad is how many entries make room at most for one more; then
	// the new one is sent from its descriptor.
	evictionsPerLoad = 64

	// maxWatches is how many directories are watched by inotify, all sites
	// together; what lies in others is looked at once a second.
	maxWatches = 8192

	// nameLimit is PATH_MAX, which counts the terminating NUL. A longer path
	// cannot name a file and is not found.
	nameLimit = 4096

	// pathLimit is the length of the longest name with every octet
	// percent-encoded. A longer path is not found without looking at it; it also bounds what an entry's copy of its path takes.
	pathLimit = 3 * nameLimit

	// missPathLimit is the longest path whose failure is remembered. The answer
	// for a longer one is worked out each time.
	missPathLimit = 512

	// minorShare is the share of the entries (one in minorShare) for failures,
	// redirects and unusual spellings of paths, so that a client that makes up
	// paths cannot push out the files.
	minorShare = 8

	// readAttempts is how often a small file that changes while it is read is
	// tried; then it is sent from its descriptor.
	readAttempts = 2

	// openAttempts is how often a system call is repeated that was interrupted
	// or that raced with a rename; then the answer is 503.
	openAttempts = 8

	// shortAttempts is how often something is opened for which no descriptor is left, while
	// what was dropped is given up; some milliseconds in all. Then the answer is 503.
	shortAttempts = 20

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

	// imageRoom is about what an entry takes beside its content.
	imageRoom = 1 << 10

	// codableLimit is the longest content that is coded while serving. Forms that
	// lie beside their file may be of longer content.
	codableLimit = 16 << 20
)
