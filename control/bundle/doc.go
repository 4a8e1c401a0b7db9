// Package bundle makes sure that a configuration is the one that somebody signed.
//
// A signed configuration is an ordinary one with a manifest beside it, anygate.yml.sig, that lists the SHA-256 of every
// file of it, and is signed twice: with Ed25519, and with ML-DSA-65 (FIPS 204). Both signatures have to be good, so that
// neither a computer that breaks the one nor a mistake in the other is enough. A set of files that is verified is read
// once, and what is parsed afterwards are the bytes that were compared: nobody can change a file between.
//
//	key       pairs of keys, and the files that they are kept in
//	manifest  what is signed: its one and only encoding
//	sign      signatures over it
//	record    the files of a configuration, for whoever signs them
//	trust     which keys count, and that nothing older than what was seen comes back
//	snapshot  the files of a manifest, verified, in memory
//
// Keys, manifests and signatures are functions of bytes. Files and the clock are met in record, trust and snapshot only. It
// belongs to the control plane, and a value of it to one goroutine at a time, but for Snapshot, which does not change.
// docs/signing.md says what it is good for, and what not.
package bundle
