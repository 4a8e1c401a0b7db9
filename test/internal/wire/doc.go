// Package wire is an HTTP/1.1 client of literal octets: what a test writes goes out as it stands, right or wrong, and what
// comes back is told in terms of the connection. It knows nothing of the server under test.
package wire
