// Package static answers requests from the files below one directory, or from one file.
//
// It is the static action without the connection: a request's path and its
// conditional fields go in, and a status, prebuilt field lines and the place of
// the content come out. Small files come out as off-heap memory, larger ones as
// a descriptor for sendfile(2). What a client sees is specified in
// docs/static.md.
//
// A Site is compiled from configuration, is immutable and is shared by all
// shards. A Store is the process's cache of files, and a Cache is how one shard reads it:
// its methods run on that shard's thread, it takes no lock, makes no system call, allocates
// nothing, and writes only memory of its own shard. What is not in the Store, and what is there
// but to be looked at again, a shard asks for with Submit and waits for with a Wait,
// while Store.Handle looks into the file system on another thread.
//
//	entry, image     what the Store holds for a path: one piece of memory, ready to be sent
//	store, admit     the index, what is worth a place in it, and who has to make room
//	grace            when what was dropped can be given up
//	flight, load     looking into the file system
//	root, watch      noticing that something has changed there
//	made             coded forms that are made while serving
//	cache, serve     finding entries and answering from them
//
// The Store owns every descriptor and every octet that an Answer refers to. They
// stay valid until the next call of the Cache that may answer, and for as long as the engine
// holds the Entry with Retain. An Entry never changes what it holds: a file that
// changed on disk gets a new Entry, so the head and the content of a response
// always belong to one opened file. A coded form of a file (see package coding) is
// an Entry, too.
//
// The package starts no goroutine and has no lock: who runs Handle and its like on several
// threads brings one.
//
// The package never follows a path out of its root (openat2 with
// RESOLVE_BENEATH does the walking, not string comparison), never opens anything
// but regular files and directories, never blocks on a FIFO, and never reads the host's
// /etc/mime.types.
package static
