// Package route turns the two halves of a route line, HEAD and ACTION, into
// values, and a set of HEADs into an immutable matcher.
//
// # What is here
//
// ParseHead and ParseAction read the one-line forms of the configuration
// language; ParseTarget, ParseStatic, ParseFixed, ParseRedirect and ParseEcho
// read the pieces of the full form. All of them report a [SyntaxError], which
// names the offending byte range, so that a diagnostic can put its caret there.
//
// [Builder] collects HEADs and refuses two with the same host, path shape and
// method. [Table] is what it builds: one radix tree over path bytes for each
// host, in a handful of flat arrays without pointers. [Normalise] brings a
// request path into the one spelling that the tables are written in, [RawRest]
// finds the way back to the client's own spelling, and [Rewrite] and [Location]
// use it to write an upstream's path or a redirect's Location.
//
// # How a request finds its route
//
// Hosts are tried from the most to the least specific: the exact name, every
// wildcard that covers it from the longest to the shortest, then the routes
// without a host. In each, paths are tried segment by segment from the left: a
// literal, then ":name", then "*" or a prefix. The first path that has a route
// for the method wins.
//
// As in net/http's ServeMux, and unlike nginx's server blocks, a host whose own
// routes do not answer falls through to the less specific ones. So
// "example.com/api/" and "/" serve together what neither serves alone. When
// some path matched and none had a route for the method, the outcome is
// MethodNotAllowed, and Allow lists the methods of all matching paths of all
// those hosts.
//
// Each node of a tree has one parent and is entered from it at most once during
// a match, so backtracking costs at most one visit per node of the table,
// whatever path the client invents.
//
// # What it never does
//
// No sockets, clocks, goroutines or globals that change. Parsing and building
// happen at load, in ordinary goroutines. A *Table, a Rewrite and a Location are
// immutable and may be used by every shard at once; their methods, Normalise
// and RawRest allocate nothing and take no locks. They borrow the bytes they are
// given until they return; a Match holds offsets, never bytes.
package route
