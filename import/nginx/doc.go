// Package nginx converts a configuration of nginx into one of AnyGate.
//
// The file is read by nginx-go-crossplane into a tree of nodes. Every node that the conversion understands is marked as
// seen; at the end those that are not are reported, so that nothing is left out silently. What is understood becomes
// routes, in four steps that have a file each: which server answers which host on which address (choose.go), which of its
// locations becomes which path (location.go, pattern.go), what it does (proxy.go, static.go, answer.go), and under which
// policies (policies.go, access.go, fields.go). routes.go lays them out.
//
// A location that cannot be carried over is answered with 501, never by whatever other route happens to match: what
// nginx keeps back must not be served because a line was not understood.
//
// It reads files, and looks whether files are there. It writes nothing.
package nginx
