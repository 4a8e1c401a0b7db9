package pack

// The bounds of this package, each with what happens at it.
const (
	// maxFile is the largest file that is coded; each worker holds one, and its
	// coded form, in memory. A larger one is left as it is and counted.
	maxFile = 256 << 20

	// maxManifest is the largest manifest that is read; a larger one is not
	// ours, and an error.
	maxManifest = 256 << 20

	// nameMax is NAME_MAX. A file whose form would have a longer name is left as it
	// is.
	nameMax = 255

	// maxJobs is how many files are coded at a time at most.
	maxJobs = 256
)
