package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

const (
	maintainer = "AnyGate contributors <anygate@users.noreply.github.com>"
	homepage   = "https://github.com/anygate/anygate"
	summary    = "edge proxy: sites, answers, redirects and reverse proxy from one file"
	about      = summary + `
 AnyGate serves static sites, fixed answers and redirects, and is a reverse
 proxy with pools, health checks, limits and TLS. One readable file says what
 is served. It runs one event loop per core on io_uring, or on epoll.`
)

// pack makes a package for a distribution.
func (r *release) pack(format, arch string, list []entry) error {
	dir := filepath.Join(r.work, format+"-"+arch)
	script := func(name string) string { return filepath.Join(r.root, "packaging", "files", name) }
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "anygate", Arch: arch, Platform: "linux", Version: r.usage.Version, Release: "1", Section: "web", Priority: "optional",
		Maintainer: maintainer, Vendor: "AnyGate", Homepage: homepage, License: "MIT", Description: about, MTime: r.time, DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			Recommends: []string{"ca-certificates"},
			Scripts: nfpm.Scripts{
				PostInstall: script("postinstall.sh"), PreRemove: script("preremove.sh"), PostRemove: script("postremove.sh"),
			},
			// The name of the machine is in packages of RPM otherwise.
			RPM: nfpm.RPM{BuildHost: "anygate", Summary: summary, Group: "System Environment/Daemons", Compression: "zstd"},
			Deb: nfpm.Deb{Compression: "gzip"},
		},
	})
	if format == "deb" {
		info.Depends = []string{"adduser | systemd"}
	}
	for _, f := range list {
		if f.debian && format != "deb" {
			continue
		}
		name := filepath.Join(dir, f.path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.text, 0o600); err != nil {
			return err
		}
		c := &files.Content{
			Source: name, Destination: "/" + f.path,
			FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: os.FileMode(f.mode), MTime: r.time},
		}
		switch {
		case f.config:
			c.Type = files.TypeConfigNoReplace
		case format != "rpm":
		case path.Base(f.path) == "copyright" || strings.Contains(f.path, "LICENSES"):
			c.Type = files.TypeRPMLicense
		case strings.HasPrefix(f.path, "usr/share/doc/") || strings.HasPrefix(f.path, "usr/share/man/"):
			c.Type = files.TypeRPMDoc
		}
		info.Contents = append(info.Contents, c)
	}
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	name := packager.ConventionalFileName(info)
	var out bytes.Buffer
	err = packager.Package(info, &out)
	text := out.Bytes()
	if err == nil && format == "rpm" {
		text, err = relative(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(r.out, name), text, 0o644)
}
