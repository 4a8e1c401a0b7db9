// Package smoke asks little of AnyGate, but all of it at once: the engine that it chooses by itself, and each way in
// which it serves. It needs no program beside AnyGate's, so that its test binary, linked statically, runs on a kernel with
// nothing else on it; `make test-kernels` does that. It has no code of its own.
package smoke
