// Package variable reads values with variables in braces: {client} stands for the address of who has asked, {request-id}
// for the name of the request.
//
// Parse turns a text into a Template when the configuration is loaded, and reports what is wrong with it, with the range
// of bytes that it stands at. Whoever carries a policy out goes through the pieces of the Template and writes the value of
// each variable in its place; the package knows their names, and not their values.
//
// A Template is immutable, and may be used by any number of goroutines. The package opens no files, reads no environment
// and no clock, and keeps no state.
package variable
