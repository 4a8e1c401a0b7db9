package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/certificates"
)

// listCertificates prints which certificates a configuration has, and for how long.
func listCertificates(w io.Writer, cfg *config.Config) error {
	if cfg.TLS == nil {
		return nil
	}
	now := time.Now()
	list, err := certificates.Inspect(cfg.TLS, cfg.ReadFile, now)
	if err != nil {
		return err
	}
	for _, c := range list {
		until := "expired on " + c.Until.UTC().Format(time.DateOnly)
		if left := c.Until.Sub(now); left > 0 {
			until = fmt.Sprintf("until %s, %s from now", c.Until.UTC().Format(time.DateOnly), days(left))
		}
		if _, err := fmt.Fprintf(w, "%s: %s for %s, %s\n", c.File, c.Kind, someNames(c.Names), until); err != nil {
			return err
		}
	}
	return nil
}

func days(d time.Duration) string {
	if n := int(d / (24 * time.Hour)); n != 1 {
		return strconv.Itoa(n) + " days"
	}
	return "1 day"
}

// someNames lists as many names as a line has room for.
func someNames(names []string) string {
	const most = 3
	switch {
	case len(names) == 0:
		return "no name"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
	}
	return strings.Join(names, ", ")
}

// printECH prints what a zone needs for clients to hide the names that they ask for. Where there is no key yet, it makes
// the first one, so that the records can be published before the server is started.
func printECH(t terminal, args []string) int {
	var file string
	var asJSON bool
	_, err := parse(t, "ech", args, 0, func(f *flag.FlagSet) {
		f.StringVar(&file, "c", "", "configuration file")
		f.BoolVar(&asJSON, "json", false, "print for machines")
	})
	if err != nil {
		return exitOf(err)
	}
	name, err := locate(file)
	if err != nil {
		return failed(t, err)
	}
	cfg := load(t, name)
	switch {
	case cfg == nil:
		return exitFailure
	case cfg.TLS == nil || cfg.TLS.ECH == nil:
		fmt.Fprintf(t.err, "anygate ech: %s has no tls: {ech: {public-name: NAME, keys: DIR}}\n", name)
		return exitFailure
	}
	set, err := certificates.Open(certificates.Options{Config: cfg.TLS, ReadFile: cfg.ReadFile})
	if err != nil {
		return failed(t, err)
	}
	records := set.Records(tlsPorts(cfg.Listen), cfg.Server.H2.On)
	if asJSON {
		if records == nil {
			records = []string{}
		}
		text, err := json.MarshalIndent(struct {
			PublicName string   `json:"public_name"`
			ConfigList []byte   `json:"config_list"`
			Records    []string `json:"records"`
		}{cfg.TLS.ECH.PublicName, set.ECHConfigList(), records}, "", "  ")
		if err == nil {
			_, err = fmt.Fprintf(t.out, "%s\n", text)
		}
		return printed(t, err)
	}
	if len(records) == 0 {
		fmt.Fprintln(t.err, "anygate ech: no certificate has another name than the public one, so that there is nothing to hide")
	}
	for _, line := range records {
		if _, err = fmt.Fprintln(t.out, line); err != nil {
			break
		}
	}
	return printed(t, err)
}

// tlsPorts are the ports on which TLS is spoken.
func tlsPorts(list []config.Listener) (ports []uint16) {
	for _, ln := range list {
		if !ln.TLS || ln.Network != "tcp" {
			continue
		}
		if _, text, err := net.SplitHostPort(ln.Addr); err == nil {
			if n, err := strconv.ParseUint(text, 10, 16); err == nil && n != 0 {
				ports = append(ports, uint16(n))
			}
		}
	}
	return ports
}
