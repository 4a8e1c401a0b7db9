package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// program is one that is released.
type program struct {
	name, module, path string
}

// programs are those that this source has. The importer has a module of its own, whose dependencies are not for the
// program that serves.
func (r *release) programs() []program {
	list := []program{{"anygate", ".", "./cmd/anygate"}}
	if _, err := os.Stat(filepath.Join(r.root, "import", "go.mod")); err == nil {
		list = append(list, program{"anygate-import", "import", "./cmd/anygate-import"})
	}
	return list
}

// binary is where a program is put.
func (r *release) binary(name, arch string) string {
	out, err := filepath.Abs(filepath.Join(r.out, name+"_linux_"+arch))
	if err != nil {
		panic(err) // only without a working directory
	}
	return out
}

// build makes the programs for an architecture.
func (r *release) build(arch string) error {
	for _, p := range r.programs() {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false",
			"-ldflags", "-s -w -buildid= -X main.commit="+r.commit, "-o", r.binary(p.name, arch), p.path)
		cmd.Dir = filepath.Join(r.root, p.module)
		cmd.Env = buildEnvironment(os.Environ(), arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
	}
	return nil
}

// buildEnvironment leaves of the environment what has no influence on the program, and settles the rest.
func buildEnvironment(environ []string, arch string) []string {
	settled := []string{"GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off", "CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + arch, "GOAMD64=v1", "GOARM64=v8.0"}
	var env []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if !slices.ContainsFunc(settled, func(s string) bool { return strings.HasPrefix(s, name+"=") }) {
			env = append(env, e)
		}
	}
	return append(env, settled...)
}

// checksums writes SHA256SUMS over all that is there, in the order of names.
func (r *release) checksums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, e := range entries {
		if e.IsDir() || e.Name() == "SHA256SUMS" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(r.out, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(text), e.Name())
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(b.String()), 0o644)
}
