// Package product builds the anygate binary and runs it, as a user would: by its command line, its configuration file,
// its signals, its output and its exit code. It imports nothing of the product, so that what it shows is true of the
// binary and not of a package.
//
// Every process belongs to the test that started it and is killed by its own handle when the test ends, also when it
// fails; should the test process itself die, the kernel kills its children.
package product
