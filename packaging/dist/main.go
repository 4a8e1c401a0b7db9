package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// release is what is being made.
type release struct {
	root    string // the repository
	out     string
	work    string // what packages are made of
	commit  string
	time    time.Time // of every file
	usage   usage
	archs   []string
	formats []string
}

// usage is what the program says of itself.
type usage struct {
	Version  string
	Commands []struct {
		Name, Args, About string
		Options           []struct{ Name, Value, About string }
	}
}

func main() {
	var r release
	var archs, formats string
	flag.StringVar(&r.root, "source", "..", "the repository")
	flag.StringVar(&r.out, "o", "../dist", "where to put everything")
	flag.StringVar(&r.commit, "commit", "", "the commit, where there is no repository to ask")
	flag.StringVar(&archs, "arch", "amd64,arm64", "the architectures")
	flag.StringVar(&formats, "formats", "tar,deb,rpm", "what to make of the binaries; empty for nothing else")
	flag.Parse()
	r.archs = strings.Split(archs, ",")
	if formats != "" {
		r.formats = strings.Split(formats, ",")
	}
	if err := r.make(); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// make makes all of it.
func (r *release) make() (err error) {
	if r.root, err = filepath.Abs(r.root); err != nil {
		return err
	}
	if err = os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	if err = r.stamp(); err != nil {
		return err
	}
	if r.work, err = os.MkdirTemp("", "anygate-dist-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.work)
	for _, arch := range r.archs {
		if err = r.build(arch); err != nil {
			return err
		}
	}
	if len(r.formats) == 0 {
		return r.checksums()
	}
	if err = r.ask(); err != nil {
		return err
	}
	parts, err := r.parts()
	if err != nil {
		return err
	}
	if err = r.writeParts(parts); err != nil {
		return err
	}
	for _, arch := range r.archs {
		files, err := r.files(arch)
		if err != nil {
			return err
		}
		for _, format := range r.formats {
			if format == "tar" {
				err = r.archive(arch, files)
			} else {
				err = r.pack(format, arch, files)
			}
			if err != nil {
				return fmt.Errorf("%s for %s: %w", format, arch, err)
			}
		}
	}
	return r.checksums()
}

// stamp finds out what the release is named after: the commit, and its time.
func (r *release) stamp() error {
	seconds := os.Getenv("SOURCE_DATE_EPOCH")
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-C", r.root}, args...)...).Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	if r.commit == "" {
		r.commit = git("rev-parse", "--short=12", "HEAD")
	}
	if seconds == "" {
		seconds = git("log", "-1", "--format=%ct")
	}
	if r.commit == "" || seconds == "" {
		return fmt.Errorf("%s is no repository of git: set -commit and SOURCE_DATE_EPOCH", r.root)
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	r.time = time.Unix(n, 0).UTC()
	return nil
}

// ask asks the program for its commands. Where none of those made runs here, one is run from the source.
func (r *release) ask() error {
	cmd := r.run("help", "--json")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", cmd, err)
	}
	return json.Unmarshal(out, &r.usage)
}

// run is the program that was made for this machine, or, where none was, its source.
func (r *release) run(args ...string) *exec.Cmd {
	for _, arch := range r.archs {
		if arch == runtime.GOARCH {
			return exec.Command(r.binary("anygate", arch), args...)
		}
	}
	cmd := exec.Command("go", append([]string{"run", "./cmd/anygate"}, args...)...)
	cmd.Dir = r.root
	return cmd
}
