package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// made is the release that all tests look at, made of this source.
var made release

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	out, err := os.MkdirTemp("", "anygate-release-")
	if err == nil {
		defer os.RemoveAll(out)
		made = release{root: "../..", out: out, archs: []string{"amd64", "arm64"}, formats: []string{"tar", "deb", "rpm"}}
		err = made.make()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return m.Run()
}

// output runs a program that has to be there, and returns what it prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v (test/install.sh installs what is missing)\n%s%s", cmd, err, &out, &errs)
	}
	return out.String()
}

// only is the one file of the release whose name matches.
func only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(made.out, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s is %q", pattern, found)
	}
	return found[0]
}

// TestReproducible makes the release a second time, of a copy of the source in another directory and surroundings, by a user
// with another home and another mask of permissions, and wants the same bytes. For amd64 nothing that was compiled before is used; for arm64 it is linked and packed anew only,
// since to compile it all once more would take as long again and tell the same.
func TestReproducible(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "another place")
	copySource(t, root)
	tool := filepath.Join(t.TempDir(), "dist")
	// What was downloaded and compiled is that of the first time, unless it is said otherwise.
	caches := strings.Fields(output(t, "go", "env", "GOMODCACHE", "GOCACHE"))
	environ := append(os.Environ(), "HOME="+t.TempDir(), "GOMODCACHE="+caches[0], "GOCACHE="+caches[1], "GOFLAGS=-buildvcs=false", "TZ=Pacific/Kiritimati", "LANG=tr_TR.UTF-8", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", made.time.Unix()))
	run := func(env []string, name string, args ...string) {
		t.Helper()
		cmd := exec.Command("sh", append([]string{"-c", `umask 077; exec "$@"`, "sh", name}, args...)...)
		cmd.Dir, cmd.Env = filepath.Join(root, "packaging"), append(slices.Clone(environ), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	out := filepath.Join(root, "dist")
	run(nil, "go", "build", "-o", tool, "./dist")
	run([]string{"GOCACHE=" + t.TempDir()}, tool, "-o", out, "-commit", made.commit, "-arch", "amd64", "-formats", "")
	compiled := made.binary("anygate", "amd64")
	same(t, compiled, filepath.Join(out, filepath.Base(compiled)))
	run(nil, tool, "-o", out, "-commit", made.commit)

	first, second := listing(t, made.out), listing(t, out)
	if len(first) < 9 || !slices.Equal(first, second) {
		t.Fatalf("there are %q and %q", first, second)
	}
	for _, name := range first {
		same(t, filepath.Join(made.out, name), filepath.Join(out, name))
	}
}

func same(t *testing.T, a, b string) {
	t.Helper()
	first, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Errorf("%s is not the same: %d and %d bytes", filepath.Base(a), len(first), len(second))
	}
}

func listing(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// copySource copies what belongs to the source.
func copySource(t *testing.T, to string) {
	t.Helper()
	for name := range strings.SplitSeq(strings.TrimRight(output(t, "git", "-C", made.root, "ls-files", "-z", "-co", "--exclude-standard"), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(made.root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBinaries looks at the programs: one file each, and nothing of this machine in it.
func TestBinaries(t *testing.T) {
	root, err := filepath.Abs(made.root)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range made.archs {
		for _, p := range made.programs() {
			name := made.binary(p.name, arch)
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if kind := output(t, "file", "-b", name); !strings.Contains(kind, "statically linked") || strings.Contains(kind, "BuildID") || !strings.Contains(kind, "stripped") {
				t.Errorf("%s is %s", name, kind)
			}
			for _, foreign := range []string{root + "/", "/root/", os.Getenv("HOME") + "/go/"} {
				if bytes.Contains(text, []byte(foreign)) {
					t.Errorf("%s has %q in it", name, foreign)
				}
			}
			if built := output(t, "go", "version", "-m", name); !strings.Contains(built, "-trimpath=true") || !strings.Contains(built, "CGO_ENABLED=0") || strings.Contains(built, "vcs.") {
				t.Errorf("%s was built with\n%s", name, built)
			}
		}
	}
}

// TestOtherArchitecture vets the source for arm64, and runs that program in an emulator.
func TestOtherArchitecture(t *testing.T) {
	vet := exec.Command("go", "vet", "./...")
	vet.Dir, vet.Env = made.root, buildEnvironment(os.Environ(), "arm64")
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if said := output(t, "qemu-aarch64-static", made.binary("anygate", "arm64"), "version"); !strings.Contains(said, "commit  "+made.commit) || !strings.Contains(said, "linux/arm64") {
		t.Errorf("version says %s", said)
	}
	if said := output(t, "qemu-aarch64-static", made.binary("anygate", "arm64"), "check", "../../cmd/anygate/demo/site/anygate.yml"); !strings.Contains(said, "no errors") {
		t.Errorf("check says %s", said)
	}
}

// TestDeb installs the package into an empty tree, and has lintian look at it.
func TestDeb(t *testing.T) {
	for _, arch := range made.archs {
		deb := only(t, "anygate_*_"+arch+".deb")
		if found := output(t, "lintian", "--allow-root", "--tag-display-limit", "0", deb); found != "" {
			t.Errorf("%s:\n%s", deb, found)
		}
		tree := t.TempDir()
		output(t, "dpkg-deb", "-x", deb, tree)
		control := output(t, "dpkg-deb", "-f", deb)
		for _, line := range []string{"Package: anygate\n", "Architecture: " + arch + "\n", "Maintainer: ", "Section: web\n"} {
			if !strings.Contains(control, line) {
				t.Errorf("the control file lacks %q:\n%s", line, control)
			}
		}
		if conf := output(t, "dpkg-deb", "--ctrl-tarfile", deb); !strings.Contains(conf, "/etc/anygate/anygate.yml\n") {
			t.Error("the configuration is no conffile")
		}
		files, err := made.files(arch)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			info, err := os.Stat(filepath.Join(tree, f.path))
			if err != nil || info.Size() != int64(len(f.text)) || info.Mode().Perm() != fs.FileMode(f.mode) {
				t.Errorf("%s: %v, %v", f.path, info, err)
			}
		}
	}
}

// installRPM installs a package into an empty tree, which is the root of whatever rpm does there.
func installRPM(t *testing.T, rpm string, files []entry) {
	t.Helper()
	if said := output(t, "rpm", "--checksig", "--nosignature", rpm); !strings.Contains(said, "digests OK") {
		t.Errorf("it says %s", said)
	}
	tree := t.TempDir()
	output(t, "rpm", "--root", tree, "--install", "--force-debian", "--nodeps", "--noscripts", "--ignorearch", rpm)
	for _, f := range files {
		info, err := os.Lstat(filepath.Join(tree, f.path))
		if (err == nil) == f.debian || err == nil && (info.Size() != int64(len(f.text)) || info.Mode().Perm() != fs.FileMode(f.mode)) {
			t.Errorf("%s: %v, %v", f.path, info, err)
		}
	}
}

func TestRPM(t *testing.T) {
	for rpmArch, arch := range map[string]string{"x86_64": "amd64", "aarch64": "arm64"} {
		rpm := only(t, "anygate-*."+rpmArch+".rpm")
		installed := strings.Fields(output(t, "rpm", "-qpl", rpm))
		files, err := made.files(arch)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if slices.Contains(installed, "/"+f.path) == f.debian {
				t.Errorf("%s: installed %v", f.path, !f.debian)
			}
		}
		// Whoever unpacks it unpacks it where he is, and not at the root of his machine. Names are listed only.
		names := strings.Fields(output(t, "sh", "-ec", `rpm2cpio "$1" | cpio --list --quiet`, "sh", rpm))
		for i, name := range names {
			names[i] = strings.TrimPrefix(name, ".")
			if names[i] == name {
				t.Errorf("its payload has %s, which is not relative", name)
			}
		}
		if !slices.Equal(names, installed) {
			t.Errorf("it is said to hold %q, and holds %q", installed, names)
		}
		installRPM(t, rpm, files)
		if got := output(t, "rpm", "-qpc", rpm); got != "/etc/anygate/anygate.yml\n" {
			t.Errorf("the configuration files are %q", got)
		}
		// Who installs without documentation gets the licences all the same.
		if docs, licenses := output(t, "rpm", "-qpd", rpm), output(t, "rpm", "-qpL", rpm); !strings.Contains(docs, "/man5/anygate.yml.5.gz\n") || !strings.Contains(licenses, "/LICENSES.txt.gz\n") {
			t.Errorf("documentation is %q, licences are %q", docs, licenses)
		}
		scripts := output(t, "rpm", "-qp", "--scripts", rpm)
		for _, want := range []string{"postinstall", "preuninstall", "postuninstall", "systemd-sysusers"} {
			if !strings.Contains(scripts, want) {
				t.Errorf("the scripts lack %s", want)
			}
		}
		if got := output(t, "rpm", "-qp", "--qf", "%{BUILDHOST} %{BUILDTIME} %{LICENSE} %{ARCH}", rpm); got != fmt.Sprintf("anygate %d MIT %s", made.time.Unix(), rpmArch) {
			t.Errorf("it says %s", got)
		}
	}
}

// TestManualPages has man read the pages, and complain of what it does not understand.
func TestManualPages(t *testing.T) {
	for page, wants := range map[string][]string{
		"usr/share/man/man1/anygate.1.gz":     {"anygate reload", "EXIT STATUS", "SIGUSR2", "Load the configuration when its files change."},
		"usr/share/man/man5/anygate.yml.5.gz": {"KEYS OF SERVER.LIMITS", "request-line", "SECTIONS"},
	} {
		tree := t.TempDir()
		output(t, "dpkg-deb", "-x", only(t, "*_amd64.deb"), tree)
		cmd := exec.Command("man", "--warnings", "-P", "cat", "-l", filepath.Join(tree, page))
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=100", "MAN_KEEP_FORMATTING=")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil || errs.Len() > 0 {
			t.Errorf("%s: %v\n%s", page, err, &errs)
		}
		for _, want := range wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s lacks %q", page, want)
			}
		}
	}
}

// TestParts compares the list of parts with what the programs say they are made of.
func TestParts(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(made.out, "anygate.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BomFormat, SpecVersion string
		Metadata               struct {
			Component struct{ Name, Version string }
		}
		Components []struct {
			Name, Version, Purl string
			Licenses            []struct {
				License    struct{ ID string }
				Expression string
			}
		}
		Dependencies []struct{ DependsOn []string }
	}
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	if bom.BomFormat != "CycloneDX" || bom.SpecVersion != "1.6" || bom.Metadata.Component.Name != "anygate" || bom.Metadata.Component.Version != made.usage.Version {
		t.Errorf("it is %+v", bom.Metadata)
	}
	listed := map[string]string{}
	for i, c := range bom.Components {
		if len(c.Licenses) != 1 || bom.Dependencies[0].DependsOn[i] != c.Purl {
			t.Errorf("%s has %v", c.Name, c.Licenses)
			continue
		}
		listed[c.Name] = c.Version
		ids := strings.Split(c.Licenses[0].License.ID+c.Licenses[0].Expression, " AND ")
		for _, id := range ids {
			if !slices.Contains([]string{"MIT", "BSD-3-Clause", "BSD-2-Clause", "Apache-2.0", "ISC"}, id) {
				t.Errorf("%s is under %s, which is not among the licences that go with the product's", c.Name, id)
			}
		}
		if c.Name == "github.com/klauspost/compress" && !slices.Equal(ids, []string{"Apache-2.0", "BSD-3-Clause", "MIT"}) {
			t.Errorf("%s is under %q", c.Name, ids)
		}
	}
	report, err := os.ReadFile(filepath.Join(made.out, "LICENSES.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, notice := range []string{": NOTICE\n\nPrometheus instrumentation library", "Copyright 2012-2015 The Prometheus Authors", "xxhash/LICENSE.txt\n"} {
		if !strings.Contains(string(report), notice) {
			t.Errorf("the report lacks %q", notice)
		}
	}
	linked := 0
	for line := range strings.Lines(output(t, "go", "version", "-m", made.binary("anygate", "amd64"))) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != "dep" {
			continue
		}
		linked++
		if listed[f[1]] != f[2] || !strings.Contains(string(report), "\n"+f[1]+" ") {
			t.Errorf("%s %s is linked, and %q is listed", f[1], f[2], listed[f[1]])
		}
	}
	if linked < 3 || listed["std"] == "" {
		t.Errorf("%d modules are linked, and listed are %v", linked, listed)
	}
}

func TestIdentify(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"Two licenses. Permission is hereby granted, free of charge, THE SOFTWARE IS PROVIDED \"AS IS\". Licensed under the Apache License, Version 2.0", "Apache-2.0 AND MIT"},
		{"Permission is hereby granted, free of\ncharge, to ... THE SOFTWARE IS PROVIDED \"AS IS\"", "MIT"},
		{"Redistributions of source code must retain. Redistributions in binary form. Neither the name of X", "BSD-3-Clause"},
		{"Redistributions of source code must retain. Redistributions in binary form.", "BSD-2-Clause"},
		{"Apache License\nVersion 2.0, January 2004", "Apache-2.0"},
		{"Mozilla Public License Version 2.0", "MPL-2.0"},
		{"All rights reserved.", ""},
	} {
		if got := strings.Join(identify(tt.text), " AND "); got != tt.want {
			t.Errorf("%q is %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestChecksums(t *testing.T) {
	cmd := exec.Command("sha256sum", "-c", "--strict", "SHA256SUMS")
	cmd.Dir = made.out
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), ": OK\n") != len(listing(t, made.out))-1 {
		t.Errorf("%v\n%s", err, out)
	}
}
