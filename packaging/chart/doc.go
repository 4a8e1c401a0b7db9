// Package chart tests deploy/helm/anygate with the library of Helm: the chart is linted and rendered, and what comes out
// is decoded into the types of Kubernetes, unknown fields being errors. It is a module by itself, since Helm brings half
// of Kubernetes along.
package chart
