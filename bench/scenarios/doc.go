// Package scenarios holds the loads that servers are compared under, one small file each.
//
// A scenario says what it asks of a server, which figure leads its table, and how a trial of it runs. It knows neither
// peers nor rounds: the runner calls Run once per peer and round, interleaved.
package scenarios
