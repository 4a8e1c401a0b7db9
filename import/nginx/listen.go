package nginx

import (
	"net"
	"net/netip"
	"strings"
)

// listen is an address of a server.
type listen struct {
	n             *node
	addr          string // as AnyGate writes it
	tls           bool
	proxyProtocol bool
	first         bool // default_server
}

// listens reads the addresses of a server.
func (c *converter) listens(server *node) (list []listen) {
	nodes := server.own("listen")
	if len(nodes) == 0 {
		return []listen{{n: server, addr: ":80"}}
	}
	everything := false
	if d := server.ownOne("ssl"); d != nil {
		everything = d.arg(0) == "on"
	}
	for _, n := range nodes {
		l := listen{n: n, tls: everything}
		quic := false
		for _, a := range n.args[min(1, len(n.args)):] {
			switch {
			case a == "default_server" || a == "default":
				l.first = true
			case a == "ssl":
				l.tls = true
			case a == "proxy_protocol":
				l.proxyProtocol = true
			case a == "quic" || a == "http3":
				quic = true
			}
		}
		if quic {
			c.lost(n, "HTTP/3 is not spoken; clients use HTTP/2 over TCP.", "Take Alt-Svc fields that announce it out as well.")
			continue
		}
		addr, ok := address(n.arg(0))
		if !ok {
			c.lost(n, "The address is not understood.", "Name it in listen: by IP address and port.")
			continue
		}
		l.addr = addr
		list = append(list, l)
	}
	return list
}

// address turns the address of a listen into AnyGate's. IPv4 and IPv6 of a port are one.
func address(s string) (string, bool) {
	if strings.HasPrefix(s, "unix:") {
		return s, true
	}
	if s != "" && strings.Trim(s, "0123456789") == "" {
		return ":" + s, true
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), "80"
	}
	switch host {
	case "*", "0.0.0.0", "::":
		return ":" + port, true
	case "localhost":
		host = "127.0.0.1"
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return "", false
	}
	return net.JoinHostPort(host, port), true
}

// private reports whether only this machine can reach an address.
func private(addr string) bool {
	if strings.HasPrefix(addr, "unix:") {
		return true
	}
	host, _, _ := net.SplitHostPort(addr)
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
