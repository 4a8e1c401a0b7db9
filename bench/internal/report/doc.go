// Package report holds what a run of the benchmark found and presents it: as JSON, the record that later runs are
// compared with; as Markdown, for a terminal or a page of docs; and as one HTML page with charts that needs nothing but
// itself.
//
// A Report is data. The package reads no clock and starts nothing, and presenting a report never changes it.
package report
