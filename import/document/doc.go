// Package document holds an AnyGate configuration while it is put together, and writes it as YAML that people like to read:
// one line for a route, values in columns, and behind each line the place that it comes from.
//
// It knows the layout, not the meaning: what stands in a document is the business of those who convert. Nothing here reads
// files or the clock.
package document
