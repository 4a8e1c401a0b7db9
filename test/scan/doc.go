// Package scan looks at the anygate binary as auditors do: testssl.sh goes through everything that is known to be wrong
// with servers' TLS, and finds nothing worse than LOW. Peer: testssl.sh, a Debian package.
//
// It has a package of its own because it takes most of a minute of hundreds of short processes, which would disturb tests
// with deadlines. ANYGATE_TEST_BINARY tests a given binary instead of building one.
package scan
