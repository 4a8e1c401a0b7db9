// Package lint holds tests that keep the source in the shape docs/internals describes: the import graph, a doc comment
// in every package, names that say something, files that can be read.
//
// It has no code of its own. Its tests run the go command and read source files; they touch nothing else.
package lint
