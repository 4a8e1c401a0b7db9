// Package load drives wrk, the generator of every closed-loop scenario, and reads its figures from a Lua script's
// output instead of from the text it prints for people.
//
// It owns the wrk process and nothing else.
package load
