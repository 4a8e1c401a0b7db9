// Package access judges clients by their address, for the policies allow and
// deny.
//
// The longest prefix that holds an address decides, whichever of the two lists
// it is in and in whatever order they were written: "deny 0.0.0.0/0" with
// "allow 10.0.0.0/8" lets the latter in, and "allow 10.0.0.0/8" with "deny
// 10.9.0.0/16" all of that but the second. A prefix that both lists have is
// denied. What no prefix holds is refused if there is an allow list, and let in
// otherwise.
//
// A List is immutable, and may be used by any number of goroutines. It has no
// sockets, clocks or state.
package access
