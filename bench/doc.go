// Command bench compares AnyGate with its peers: it starts each of them on the same processor, has the same load
// generator on another one ask the same things of them in turn, reads from the kernel's books what each request cost,
// and writes a report with medians, spreads and ratios. README.md says how to use it and how to read it.
//
// It owns every process it starts and stops them all, also when it is interrupted. It changes no setting of the system.
package main
