// Package compare tests what is imported against what it was imported from: for every configuration of testdata/nginx that
// has a list of requests, nginx serves the configuration, AnyGate serves what became of it, and both are asked the same.
// Status, Location, content and fields must agree, except where the list says how they differ, and why the report says so.
//
// Its peers are the nginx of Debian, which test/install.sh installs, and the anygate of this tree. Both listen on loopback,
// on ports that the kernel chose.
package compare
