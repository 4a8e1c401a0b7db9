// Package origin is an upstream in the test's own process, on net/http: an implementation of HTTP that shares nothing with
// the product's. Beside answering it tells what it was asked, octet counts and connections included, and it makes and
// checks content of any size without storing it.
package origin
