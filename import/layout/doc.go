// Package layout puts routes that some conversion has made into a document: those of a host together, what routes have in
// common before them, and each on one line if it says no more than a line can.
package layout
