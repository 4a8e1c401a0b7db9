package load

// Suite and Group are what wrk and h2load offer, and all that they offer: each server would choose another cipher suite
// else, and the table would compare AES-128 with AES-256.
const (
	Suite = "TLS_AES_128_GCM_SHA256"
	Group = "X25519"
)

// opensslSettings has a program that uses OpenSSL and has no options for it, as wrk, offer nothing else.
const opensslSettings = `openssl_conf = program
[program]
ssl_conf = protocols
[protocols]
system_default = offer
[offer]
MinProtocol = TLSv1.3
Ciphersuites = ` + Suite + `
Groups = ` + Group + `
`
