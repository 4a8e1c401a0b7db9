// Package compressor makes coded forms of static files while they are served.
//
// Who asks for a file worth coding gets it as it is, and a static.Job comes here; the form
// is there for a later request. Each form is made once for all shards, and is kept by the static.Store
// from then on.
//
//	compressor  workers that make forms
//	budget      how much of a processor's time a worker may take
//
// The bytes of a file are the Store's and are read until the reply.
//
// It knows no connection and no request, opens no file, and never holds up anybody: when too
// much waits a job is refused, and the file goes on being sent as it is.
package compressor
