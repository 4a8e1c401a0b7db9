// Package deploy tests what is in the folder deploy against the program: rules and dashboard of Prometheus and Grafana name
// series that there are, and promtool, of Debian's package prometheus, has nothing to say against them, nor against what a
// scrape of a running AnyGate returns.
package deploy
