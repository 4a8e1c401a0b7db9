// Package remote is how the commands of AnyGate reach the process that serves: a unix socket, on which a client says in one
// line what it wants, and gets one line back when it is done. Both are JSON.
//
// The socket has a name in the abstract namespace of Linux, made of the path of the configuration, unless it is given
// another one: it needs no directory that can be written to, and nothing is left behind. Names of that kind have no
// permissions, so each side asks the kernel who the other one is: a server obeys its own user and root, and a client
// believes a server of these. Root believes every user's, and is told whose it was: it may be one that was quicker to take
// the name. A process of another PID namespace, of a container that shares the network with others say, is asked only by who
// has named the socket: its configuration may have the same path, and be another one.
//
// Everything runs on ordinary goroutines. The package knows nothing of what the commands do.
package remote
