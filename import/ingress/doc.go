// Package ingress converts Ingress objects of Kubernetes (networking.k8s.io/v1), written for the ingress-nginx controller
// with its annotations, into a configuration of AnyGate.
//
// Services become http://SERVICE.NAMESPACE.svc:PORT, secrets become files below /etc/anygate, where a volume with the secret
// can be mounted. What an annotation asks for and AnyGate does not have is reported; where it keeps requests out, what it
// protects is answered with 501.
//
// It reads files and writes none. It speaks to no cluster.
package ingress
