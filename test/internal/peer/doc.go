// Package peer runs the programs that the product is tested against: curl, nginx, HAProxy, wrk, Chromium, h2spec
// and the tools of nghttp2. They are real
// implementations that nobody here wrote. A program that is missing fails the test with the name of the Debian package
// to install: a skipped test proves nothing.
package peer
