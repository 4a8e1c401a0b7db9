package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// mirrorVariable names a mirror of Debian's archive where apt's sources have none.
const mirrorVariable = "ANYGATE_DEBIAN_MIRROR"

// keyring holds the keys of all supported releases of Debian; the package debian-archive-keyring brings it.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

const metaPackage = "linux-image-cloud-amd64"

// fetch returns the path of a kernel's image. What the cache holds is used, unless a fresh one is asked for. The whole
// package stays unpacked, so that modules can be taken from it as well.
func (k kernel) fetch(ctx context.Context, cache string, fresh bool) (string, error) {
	unpacked := filepath.Join(cache, k.suite)
	if image, err := imageIn(unpacked); err == nil && !fresh {
		return image, nil
	}
	work, err := os.MkdirTemp(cache, k.suite+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	a := apt{ctx: ctx, state: work}
	file, err := a.download(k)
	if err != nil {
		return "", fmt.Errorf("getting Debian's kernel %s from %s: %w", k.name, k.suite, err)
	}
	made := filepath.Join(work, "unpacked")
	if _, err := output(exec.CommandContext(ctx, "dpkg-deb", "-x", file, made)); err != nil {
		return "", err
	}
	if _, err := imageIn(made); err != nil {
		return "", err
	}
	if err := os.RemoveAll(unpacked); err != nil {
		return "", err
	}
	if err := os.Rename(made, unpacked); err != nil {
		return "", err
	}
	return imageIn(unpacked)
}

func imageIn(unpacked string) (string, error) {
	found, err := filepath.Glob(filepath.Join(unpacked, "boot", "vmlinuz-*"))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%s holds %d kernels, not one", unpacked, len(found))
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// apt runs the programs of that name with sources, lists and cache of its own, so that the system's are left alone. It
// needs no privileges.
type apt struct {
	ctx   context.Context
	state string // a directory
}

// download brings the package of a kernel's suite into the directory.
func (a *apt) download(k kernel) (file string, err error) {
	mirror, err := a.mirror()
	if err != nil {
		return "", err
	}
	for _, dir := range []string{"sources", "lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.state, dir), 0o755); err != nil {
			return "", err
		}
	}
	// Only the list of packages: apt would get translations and descriptions for software centres too.
	source := fmt.Sprintf("Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nTargets: Packages\nSigned-By: %s\n", mirror, k.suite, keyring)
	for name, text := range map[string]string{"sources/debian.sources": source, "status": ""} {
		if err := os.WriteFile(filepath.Join(a.state, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	if _, err := a.run("apt-get", "-q", "update"); err != nil {
		return "", err
	}
	description, err := a.run("apt-cache", "show", "--no-all-versions", metaPackage)
	if err != nil {
		return "", err
	}
	name, err := imagePackage(description)
	if err != nil {
		return "", err
	}
	if _, err := a.run("apt-get", "-q", "download", name); err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(a.state, "*.deb"))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("apt-get download %s has left %d packages", name, len(found))
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

var dependency = regexp.MustCompile(`(?m)^Depends:.*?\b(linux-image-[0-9]\S*-cloud-amd64)\b`)

// imagePackage finds the package that the one without a version stands for.
func imagePackage(description string) (string, error) {
	m := dependency.FindStringSubmatch(description)
	if m == nil {
		return "", fmt.Errorf("%s depends on no image:\n%s", metaPackage, description)
	}
	return m[1], nil
}

// mirror is where the system gets Debian from.
func (a *apt) mirror() (string, error) {
	if given := os.Getenv(mirrorVariable); given != "" {
		return given, nil
	}
	// Lists that do not exist make apt say what it would get; without a lock, this works for everybody.
	uris, err := output(exec.CommandContext(a.ctx, "apt-get", "-o", "Debug::NoLocking=1", "-o", "Dir::State::Lists="+a.state, "update", "--print-uris"))
	if err != nil {
		return "", err
	}
	return mirrorIn(uris)
}

// release is the first thing that apt gets from an archive. Updates and security fixes are in suites with a dash.
var release = regexp.MustCompile(`(?m)^'(\S+/debian/?)/dists/[^-/]+/InRelease'`)

func mirrorIn(uris string) (string, error) {
	m := release.FindStringSubmatch(uris)
	if m == nil {
		return "", errors.New("apt's sources name no mirror of Debian; set " + mirrorVariable + " to the address of one")
	}
	return m[1], nil
}

func (a *apt) run(program string, arguments ...string) (string, error) {
	options := []string{
		"-o", "APT::Architecture=amd64",
		"-o", "APT::Architectures=amd64",
		"-o", "Acquire::Languages=none",
		"-o", "Dir::Etc::SourceList=/dev/null",
		"-o", "Dir::Etc::SourceParts=" + filepath.Join(a.state, "sources"),
		"-o", "Dir::State::Lists=" + filepath.Join(a.state, "lists"),
		"-o", "Dir::State::status=" + filepath.Join(a.state, "status"),
		"-o", "Dir::Cache=" + filepath.Join(a.state, "cache"),
	}
	if os.Geteuid() == 0 {
		// The user that apt otherwise downloads as cannot write to this directory.
		options = append(options, "-o", "APT::Sandbox::User=root")
	}
	cmd := exec.CommandContext(a.ctx, program, append(options, arguments...)...)
	cmd.Dir = a.state
	return output(cmd)
}

// output runs a command, and puts what it said into its error.
func output(cmd *exec.Cmd) (string, error) {
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, out.String(), errs.String())
	}
	return out.String(), nil
}
