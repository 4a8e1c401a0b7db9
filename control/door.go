package control

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/admin"
)

// AdminDoor is where the process that serves a configuration answers its operators, in the form of --admin, and the token
// that it asks for, if any.
func AdminDoor(cfg *config.Config) (address, token string, err error) {
	a := cfg.Admin
	if a == nil || len(a.Listen) == 0 {
		return "", "", errors.New("the configuration has no admin section, by which its process could be asked")
	}
	l := a.Listen[0]
	address = l.String()
	if host, port, err := net.SplitHostPort(l.Addr); l.Network == "tcp" && err == nil {
		if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
			address = net.JoinHostPort("127.0.0.1", port)
		}
		if port == "0" {
			return "", "", errors.New("the port of the admin API was chosen by the system: name it with --admin; the log of the process has it")
		}
	}
	if a.Token != "" {
		var text string
		if text, err = tokenText(cfg); err == nil {
			token, err = admin.FirstToken(text)
		}
	}
	return address, token, err
}

// tokenText is what the environment variable, or file, of the tokens holds.
func tokenText(cfg *config.Config) (string, error) {
	a := cfg.Admin
	if a.TokenEnv {
		value := os.Getenv(a.Token)
		if value == "" {
			return "", fmt.Errorf("admin.token: the environment variable %s is not set; a file's name has other characters than A-Z, 0-9 and _", a.Token)
		}
		return value, nil
	}
	text, err := cfg.ReadFile(a.Token)
	if err != nil {
		return "", fmt.Errorf("admin.token: %w", err)
	}
	return string(text), nil
}
