// Package files runs the process's cache of static files: it looks into the file system so
// that the shards need not.
//
//	service    what shards ask of a static.Store
//	crew       the goroutines that do it
//	upkeep     what is to be done from time to time
//	changes    reading what inotify tells
//	readahead  bringing parts of large files into memory before they are sent
//
// Submit and ReadAhead are for the shards' threads: they take no lock and do not block, and
// when too much waits already they refuse. Everything else runs on the goroutines that
// New starts and Close waits for; any of them may wait for a disk, and one that does holds up
// nothing but what was asked of it.
package files
