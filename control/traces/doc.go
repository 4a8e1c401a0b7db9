// Package traces takes the spans that the shards have recorded out of their rings, and sends them to a collector: as
// OpenTelemetry describes spans of HTTP, by OTLP over HTTP.
//
// Everything runs on ordinary goroutines. What is under way is bounded by the rings and one batch: while a collector does
// not answer the rings fill, and the shards drop spans and count them.
package traces
