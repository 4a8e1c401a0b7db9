// Package static answers requests from the files below one directory, or from one file.
//
// It is the static action without the connection: a request's path and its
// conditional fields go in, and a status, prebuilt field lines and the place of
// the content come out. Small files come out as off-heap memory, larger ones as
// a descriptor for sendfile(2). What a client sees is specified in
// docs/static.md.
//
// A Site is compiled from configuration, is immutable and is shared by all
// shards. A Cache belongs to one shard: all its methods run on that shard's
// thread, it takes no lock, and a hit allocates nothing. On a miss, and once a
// second for each file in use, it makes system calls (openat2, fstat, read) on
// the calling thread. The one thing that may take longer, reading a directory
// that is to be listed, it leaves to its caller as a Listing.
//
// The Cache owns every descriptor and every octet that an Answer refers to. They
// stay valid until the next Serve, Expire or Close, and for as long as the engine
// holds the Entry with Retain. An Entry never changes what it holds: a file that
// changed on disk gets a new Entry, so the head and the content of a response
// always belong to one opened file.
//
// A coded form of a file (see package coding) is an Entry, too, found through the
// Entry of its file. It lies beside the file, or it is made by a Compressor outside
// of this package, which takes a Job and replies with a Form; the Shelf keeps
// Forms for all caches. Only a form that is still being made gets its content
// later, and nothing is sent of it before.
//
// The package never follows a path out of its root (openat2 with
// RESOLVE_BENEATH does the walking, not string comparison), never opens anything
// but regular files, never lists a directory, and never reads the host's
// /etc/mime.types.
package static
