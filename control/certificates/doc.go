// Package certificates keeps what the TLS of a server is made of, and keeps it up to date while it serves.
//
//	set      all of it together: opened, published to the shards, closed
//	pair     a certificate and its key, read again when their files change
//	table    which certificates are shown for which names
//	identity the certificates that are shown to upstreams
//	clients  the authorities that vouch for clients
//	tickets  the keys of session tickets, made of a secret and the time
//	ocsp     proof that certificates are not revoked, fetched and kept on disk
//	ech      the keys of Encrypted Client Hello
//	status   what there is, for metrics and for people
//
// It belongs to the control plane: goroutines, files, locks and the network are ordinary. What the shards read are the
// pointers inside [tlsedge.Store], [tlsedge.TicketKeys] and the keys of ECH, each replaced as a whole; nothing that they have
// read is changed afterwards.
//
// Whatever goes wrong while it serves leaves what was good before in its place, and is logged once. What goes wrong when
// it is opened is an error.
package certificates
