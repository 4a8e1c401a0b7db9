// Package mark tells one state of a file from another, for whoever has read a file and wants to know whether there is
// something else to read by now.
//
// It is a function of what the system says of a file, and keeps nothing. What it looks at is never read.
package mark
