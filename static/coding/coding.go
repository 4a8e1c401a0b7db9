package coding

// Coding is a content coding that AnyGate can produce.
type Coding uint8

// The codings, in the server's order of preference among those that a client
// likes equally: by how small they make text that is compressed once and sent
// many times. Identity, no coding, is the last resort.
const (
	Identity Coding = iota
	Brotli
	Zstd
	Gzip

	// Count is how many there are, Identity included: the length of an array
	// indexed by Coding.
	Count
)

// names are the values of Content-Encoding, suffixes those of the files beside
// a file that hold its coded forms.
var (
	names    = [Count]string{"identity", "br", "zstd", "gzip"}
	suffixes = [Count]string{"", ".br", ".zst", ".gz"}
)

// String is the coding's name in Content-Encoding.
func (c Coding) String() string { return names[c] }

// Suffix is what the name of a file that holds this form of another file ends
// in: ".br", ".zst" or ".gz".
func (c Coding) Suffix() string { return suffixes[c] }

// Set is a set of codings.
type Set uint8

// Every is all codings but Identity.
const Every = Set(1<<Brotli | 1<<Zstd | 1<<Gzip)

// With is the set and one more.
func (s Set) With(c Coding) Set { return s | 1<<c }

// Has reports whether a coding is in the set.
func (s Set) Has(c Coding) bool { return s>>c&1 != 0 }
