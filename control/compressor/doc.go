// Package compressor makes coded forms of static files while they are served.
//
// A shard that meets a file worth coding sends it as it is and submits a
// static.Job; the form is there for a later request. Each form is made once for
// all shards and stands on a static.Shelf from then on.
//
//	queue       how a job comes from a shard: a bounded ring, no lock, no channel
//	compressor  workers that make forms
//	budget      how much of a processor's time a worker may take
//
// Submit is for the shards' threads; everything else runs on the goroutines that
// New starts and Close waits for. The bytes of a file are its cache's and are
// read until the reply; a form's content is the Form's.
//
// It knows no connection and no request, opens no file, and never holds up a
// shard: when the queue is full a job is refused, and the file goes on being sent as it
// is.
package compressor
