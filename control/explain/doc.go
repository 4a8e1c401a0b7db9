// Package explain says what AnyGate would do with a request, without serving it: which route answers, why the others do
// not, and what would be sent to an upstream or back to the client.
//
// It asks the code that serves: the codec parses the request, the compiled table matches it, and the static and proxy
// actions decide as they would on a shard. It runs on an ordinary goroutine, owns the bytes of the one request it is
// given, opens the files of a static route but no socket, and looks up no name.
package explain
