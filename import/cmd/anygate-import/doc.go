// Command anygate-import converts the configuration of another proxy into one of AnyGate: that of nginx, and Ingress objects
// written for ingress-nginx. It is a program of its own so that the one that serves links nothing that only an import needs.
// "anygate import" runs it.
//
// It exits with 0 if everything was carried over, 1 if something was not, and 2 if it could not be read or written.
package main
