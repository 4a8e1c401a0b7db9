// Package certificate reads the certificates and private keys of servers, and says what is wrong with them.
//
//	pem     blocks of a file, and what a file without any seems to be instead
//	pair    a chain and its key: whether they belong together, and whether clients will take them
//	chain   the order of a chain, and what is missing from it
//	pool    the authorities that vouch for clients
//
// Everything is a function of bytes and of a point in time that the caller names: there are no files, no clock and no
// network here, so that a configuration can be judged where it is read, and again whenever a file changes. What is
// returned is not changed afterwards.
package certificate
