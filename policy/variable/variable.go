package variable

import "slices"

// Variable is one of the variables.
type Variable uint8

// The variables. Text is none: a piece of a Template that stands for itself.
const (
	Text Variable = iota
	Client
	ClientPort
	Peer
	ServerPort
	Scheme
	Protocol
	Method
	Host
	Authority
	URI
	Path
	Query
	RequestID
	User
	TLSVersion
	TLSCipher
	TLSServerName
	TLSALPN
	CertVerify
	CertSubject
	CertIssuer
	CertSerial
	CertFingerprint
	Cert
	Upstream
	count
)

// names are as they stand between the braces, in the order of the documentation.
var names = [count]string{
	Client: "client", ClientPort: "client-port", Peer: "peer", ServerPort: "server-port",
	Scheme: "scheme", Protocol: "protocol", Method: "method", Host: "host", Authority: "authority",
	URI: "uri", Path: "path", Query: "query", RequestID: "request-id", User: "user",
	TLSVersion: "tls-version", TLSCipher: "tls-cipher", TLSServerName: "tls-server-name", TLSALPN: "tls-alpn",
	CertVerify: "client-cert-verify", CertSubject: "client-cert-subject", CertIssuer: "client-cert-issuer",
	CertSerial: "client-cert-serial", CertFingerprint: "client-cert-fingerprint", Cert: "client-cert",
	Upstream: "upstream",
}

// String is the name.
func (v Variable) String() string { return names[v] }

// find returns the variable with a name, Text if there is none.
func find(name string) Variable {
	if i := slices.Index(names[Client:], name); i >= 0 {
		return Client + Variable(i)
	}
	return Text
}

// elsewhere are names that other servers have for the variables, in which people who know those think.
var elsewhere = map[string]Variable{
	"remote_addr": Client, "binary_remote_addr": Client, "proxy_protocol_addr": Client, "remote_host": Client, "ip": Client,
	"remote_port": ClientPort, "realip_remote_addr": Peer, "port": ServerPort, "server_protocol": Protocol, "proto": Scheme,
	"request_method": Method, "hostname": Host, "http_host": Authority, "hostport": Authority,
	"request_uri": URI, "url": URI, "document_uri": Path, "args": Query, "query_string": Query,
	"request_uuid": RequestID, "uuid": RequestID, "remote_user": User,
	"ssl_protocol": TLSVersion, "tls_protocol": TLSVersion, "ssl_cipher": TLSCipher, "ssl_server_name": TLSServerName,
	"sni": TLSServerName, "ssl_alpn_protocol": TLSALPN, "alpn": TLSALPN,
	"ssl_client_verify": CertVerify, "ssl_client_s_dn": CertSubject, "ssl_client_i_dn": CertIssuer,
	"ssl_client_serial": CertSerial, "ssl_client_fingerprint": CertFingerprint, "ssl_client_cert": Cert,
	"ssl_client_escaped_cert": Cert, "upstream_addr": Upstream,
}

// Set is a set of variables.
type Set uint64

// SetOf returns the set of some variables.
func SetOf(list ...Variable) (s Set) {
	for _, v := range list {
		s |= 1 << v
	}
	return s
}

// Has reports whether a variable is in the set.
func (s Set) Has(v Variable) bool { return s>>v&1 != 0 }

// Meets reports whether the sets have a variable in common.
func (s Set) Meets(other Set) bool { return s&other != 0 }

// names are those of the variables in the set.
func (s Set) names() (list []string) {
	for v := Client; v < count; v++ {
		if s.Has(v) {
			list = append(list, names[v])
		}
	}
	return list
}

// Places of variables.
const (
	// OfRequests is what is known when a request is passed on.
	OfRequests = OfResponses &^ (1 << Upstream)
	// OfResponses is what is known when a response begins: all of them.
	OfResponses Set = 1<<count - 1<<Client
	// OfHosts is what can stand in a Host field, and nowhere leaves it malformed.
	OfHosts Set = 1<<Host | 1<<Authority | 1<<ServerPort
)
