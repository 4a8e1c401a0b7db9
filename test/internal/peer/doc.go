// Package peer runs the programs that the product is tested against: curl, nginx, HAProxy, wrk and Chromium. They are real
// implementations that nobody here wrote. A program that is missing fails the test with the name of the Debian package
// to install: a skipped test proves nothing.
package peer
