package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// entry is one file of the packages.
type entry struct {
	path   string // in the file system of a machine, without the first slash
	text   []byte
	mode   int64
	config bool // kept when the administrator has changed it
	debian bool // only in packages of Debian
}

// files lists what is installed.
func (r *release) files(arch string) ([]entry, error) {
	var list []entry
	var failure error
	keep := func(err error) {
		if failure == nil {
			failure = err
		}
	}
	add := func(path string, mode int64, text []byte) *entry {
		list = append(list, entry{path: path, text: text, mode: mode})
		return &list[len(list)-1]
	}
	source := func(elem ...string) []byte {
		text, err := os.ReadFile(filepath.Join(append([]string{r.root}, elem...)...))
		keep(err)
		return text
	}
	output := func(args ...string) []byte {
		text, err := r.run(args...).Output()
		keep(err)
		return text
	}

	for _, p := range r.programs() {
		text, err := os.ReadFile(r.binary(p.name, arch))
		keep(err)
		add("usr/bin/"+p.name, 0o755, text)
		if p.name != "anygate" {
			// What it does is on the page of the command that runs it.
			add("usr/share/man/man1/"+p.name+".1.gz", 0o644, zipped([]byte(".so man1/anygate.1\n")))
		}
	}
	schema := output("schema")
	page, err := r.reference(schema)
	keep(err)
	add("usr/share/man/man1/anygate.1.gz", 0o644, zipped([]byte(r.manual())))
	add("usr/share/man/man5/anygate.yml.5.gz", 0o644, zipped([]byte(page)))
	add("usr/share/bash-completion/completions/anygate", 0o644, output("completion", "bash"))
	add("usr/share/zsh/vendor-completions/_anygate", 0o644, output("completion", "zsh"))
	add("usr/share/fish/vendor_completions.d/anygate.fish", 0o644, output("completion", "fish"))
	add("usr/share/anygate/anygate.schema.json", 0o644, schema)
	add("usr/share/anygate/www/index.html", 0o644, source("packaging", "files", "index.html"))
	add("etc/anygate/anygate.yml", 0o644, source("packaging", "files", "anygate.yml")).config = true
	add("usr/lib/systemd/system/anygate.service", 0o644, source("packaging", "files", "anygate.service"))
	add("usr/lib/systemd/system/anygate.socket", 0o644, source("packaging", "files", "anygate.socket"))
	add("usr/lib/sysusers.d/anygate.conf", 0o644, source("packaging", "files", "anygate.sysusers"))

	doc := "usr/share/doc/anygate/"
	own := source("LICENSE")
	licenses, err := os.ReadFile(filepath.Join(r.out, "LICENSES.txt"))
	keep(err)
	bom, err := os.ReadFile(filepath.Join(r.out, "anygate.cdx.json"))
	keep(err)
	add(doc+"copyright", 0o644, copyright(own))
	add(doc+"LICENSES.txt.gz", 0o644, zipped(licenses))
	add(doc+"anygate.cdx.json.gz", 0o644, zipped(bom))
	add(doc+"changelog.gz", 0o644, zipped(source("CHANGELOG.md")))
	add(doc+"changelog.Debian.gz", 0o644, zipped(r.debianChangelog())).debian = true
	add("usr/share/lintian/overrides/anygate", 0o644, r.overrides(source("packaging", "files", "lintian-overrides"))).debian = true
	return list, failure
}

// copyright is the licence, and where those of the parts are.
func copyright(own []byte) []byte {
	return fmt.Appendf(nil, "AnyGate, %s\n\n%s\n\nWhat it is built from, with all licences, is in LICENSES.txt.gz; the\n"+
		"text of the Apache License is in /usr/share/common-licenses/Apache-2.0 too.\n", homepage, bytes.TrimSpace(own))
}

// overrides are the findings of lintian that are meant. Of each program, that it is one file and needs no other.
func (r *release) overrides(text []byte) []byte {
	for _, p := range r.programs() {
		text = fmt.Appendf(text, "anygate: statically-linked-binary [usr/bin/%s]\n", p.name)
	}
	return text
}

// debianChangelog points to the changes of the program: the package has none of its own.
func (r *release) debianChangelog() []byte {
	return fmt.Appendf(nil, "anygate (%s-1) stable; urgency=medium\n\n  * AnyGate %s; see changelog.gz.\n\n -- %s  %s\n",
		r.usage.Version, r.usage.Version, maintainer, r.time.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
}

// zipped compresses without a name and a time.
func zipped(text []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // memory can be written to
	}
	return b.Bytes()
}

// archive makes an archive for machines without packages: unpacked at / without its first directory, it is an
// installation.
func (r *release) archive(arch string, files []entry) error {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	prefix := fmt.Sprintf("anygate-%s-linux-%s/", r.usage.Version, arch)
	for _, f := range files {
		if f.debian {
			continue
		}
		err := w.WriteHeader(&tar.Header{
			Name: prefix + strings.TrimPrefix(f.path, "/"), Mode: f.mode, Size: int64(len(f.text)), ModTime: r.time, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR,
		})
		if err == nil {
			_, err = w.Write(f.text)
		}
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	name := fmt.Sprintf("anygate_%s_linux_%s.tar.gz", r.usage.Version, arch)
	return os.WriteFile(filepath.Join(r.out, name), zipped(b.Bytes()), 0o644)
}
