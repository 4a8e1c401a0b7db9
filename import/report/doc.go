// Package report collects what a conversion could not carry over, with the place it stands in and what to do about it, and
// writes it for people and for machines.
package report
