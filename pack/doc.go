// Package pack precompresses a site: beside each file worth coding it writes the
// forms that package static serves in its place, FILE.br, FILE.zst and FILE.gz.
//
//	walk      which files there are, and which of them are worth coding
//	manifest  what was written before, in DIR/.anygate-pack.json
//	plan      what is missing, stale, or in the way
//	code      coding, checking by decoding, and writing in one step
//	progress  a bar, for those who watch
//
// A file is known by its content, not by its times, so that nothing is coded twice in
// a build that checks everything out anew. A form gets the modification time of its file,
// which is how a server sees that they belong together. The same files give the
// same forms, byte for byte.
//
// It writes only below the directory, through os.Root, so that no symbolic link leads
// it elsewhere. It replaces no form that another tool wrote and that is not older than its
// file, and deletes only what the manifest says it wrote itself.
//
// Run works on the goroutines that it starts and waits for, and calls Progress
// on the caller's.
package pack
