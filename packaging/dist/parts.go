package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

// part is a module that a program is made of.
type part struct {
	Path, Version, Sum string
	Licenses           []string // by their SPDX identifiers; all of them hold
	Texts              []string // the files that say so, each behind its name
	Programs           []string
}

// parts lists the modules that are linked into the programs, as the programs themselves say, and the standard library.
func (r *release) parts() ([]part, error) {
	var list []part
	for _, program := range r.programs() {
		for _, arch := range r.archs {
			info, err := buildinfo.ReadFile(r.binary(program.name, arch))
			if err != nil {
				return nil, err
			}
			linked, err := r.linked(program, arch)
			if err != nil {
				return nil, err
			}
			for _, m := range append(info.Deps, &debug.Module{Path: "std", Version: info.GoVersion}) {
				if m.Path == "github.com/anygate/anygate" {
					continue // what is replaced by the source itself
				}
				i := slices.IndexFunc(list, func(p part) bool { return p.Path == m.Path && p.Version == m.Version })
				if i < 0 {
					i = len(list)
					list = append(list, part{Path: m.Path, Version: m.Version, Sum: m.Sum})
				}
				p := &list[i]
				if !slices.Contains(p.Programs, program.name) {
					p.Programs = append(p.Programs, program.name)
				}
				if err := p.readLicenses(linked[m.Path]); err != nil {
					return nil, fmt.Errorf("%s: %w", m.Path, err)
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b part) int { return strings.Compare(a.Path+"@"+a.Version, b.Path+"@"+b.Version) })
	return list, nil
}

// tree is the source of a module: where it is, and the directories of those of its packages that are linked.
type tree struct {
	root     string
	packages []string
}

// linked finds the source of what a program is made of, by the paths of modules.
func (r *release) linked(p program, arch string) (map[string]tree, error) {
	run := func(args ...string) (string, error) {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = filepath.Join(r.root, p.module), buildEnvironment(os.Environ(), arch)
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	root, err := run("env", "GOROOT")
	if err != nil {
		return nil, err
	}
	out, err := run("list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}\t{{$.Dir}}{{end}}", p.path)
	if err != nil {
		return nil, err
	}
	trees := map[string]tree{"std": {root: root}}
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) == 3 {
			trees[f[0]] = tree{f[1], append(trees[f[0]].packages, f[2])}
		}
	}
	return trees, nil
}

// licenseFiles are the beginnings of the names of files that go with what is given away. What a NOTICE says has to be handed on where a
// license, Apache's for one, asks for it.
var licenseFiles = []string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}

// readLicenses finds the licences of what is linked of a module: its own, and those of parts that it has from elsewhere. A licence that is
// not known is an error: somebody has to read it.
func (p *part) readLicenses(source tree) error {
	if source.root == "" {
		return fmt.Errorf("its source is not in the cache of modules")
	}
	dirs := []string{source.root}
	for _, dir := range source.packages {
		for ; len(dir) > len(source.root); dir = filepath.Dir(dir) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.IsDir() || !slices.ContainsFunc(licenseFiles, func(prefix string) bool { return strings.HasPrefix(e.Name(), prefix) }) {
				continue
			}
			name, err := filepath.Rel(source.root, filepath.Join(dir, e.Name()))
			if err != nil {
				return err
			}
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return err
			}
			if err := p.addLicense(name, strings.TrimSpace(string(text))); err != nil {
				return err
			}
		}
	}
	if len(p.Licenses) == 0 {
		return fmt.Errorf("no licence is found")
	}
	return nil
}

func (p *part) addLicense(name, text string) error {
	if slices.ContainsFunc(p.Texts, func(have string) bool { return strings.HasSuffix(have, text) }) {
		return nil
	}
	p.Texts = append(p.Texts, name+"\n\n"+text)
	if strings.HasPrefix(filepath.Base(name), "NOTICE") {
		return nil
	}
	found := identify(text)
	if len(found) == 0 {
		return fmt.Errorf("the licence in %s is none that is known; see identify", name)
	}
	p.Licenses = slices.Compact(slices.Sorted(slices.Values(append(p.Licenses, found...))))
	return nil
}

// identify names licences by phrases that no other has. A file may hold several.
func identify(text string) (found []string) {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	has := func(phrases ...string) bool {
		return !slices.ContainsFunc(phrases, func(p string) bool { return !strings.Contains(text, p) })
	}
	if has("apache license version 2.0, january 2004") || has("licensed under the apache license, version 2.0") {
		found = append(found, "Apache-2.0")
	}
	if has("redistributions of source code must retain", "redistributions in binary form") {
		if has("neither the name") {
			found = append(found, "BSD-3-Clause")
		} else {
			found = append(found, "BSD-2-Clause")
		}
	}
	if has("permission to use, copy, modify, and/or distribute this software") {
		found = append(found, "ISC")
	}
	if has("permission is hereby granted, free of charge", `the software is provided "as is"`) {
		found = append(found, "MIT")
	}
	if has("mozilla public license", "version 2.0") {
		found = append(found, "MPL-2.0")
	}
	return found
}

// license says of all licences of a part that they hold, as an expression of SPDX.
func (p *part) license() string { return strings.Join(p.Licenses, " AND ") }

// writeParts writes the list of parts in the form of CycloneDX, and the licences with their texts.
func (r *release) writeParts(list []part) error {
	type license struct {
		License    map[string]string `json:"license,omitempty"`
		Expression string            `json:"expression,omitempty"`
	}
	type property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	type component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		Purl       string     `json:"purl"`
		Licenses   []license  `json:"licenses"`
		Properties []property `json:"properties,omitempty"`
	}
	type dependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn"`
	}
	purl := func(path, version string) string {
		if path == "std" {
			// By which lists of vulnerabilities know it.
			path, version = "stdlib", strings.TrimPrefix(version, "go")
		}
		return "pkg:golang/" + path + "@" + version
	}
	self := component{
		Type: "application", Ref: purl("github.com/anygate/anygate", r.usage.Version), Name: "anygate", Version: r.usage.Version,
		Purl: purl("github.com/anygate/anygate", r.usage.Version), Licenses: []license{{License: map[string]string{"id": "MIT"}}},
		Properties: []property{{"anygate:commit", r.commit}},
	}
	components := []component{}
	depends := dependency{Ref: self.Ref, DependsOn: []string{}}
	var report strings.Builder
	fmt.Fprintf(&report, "AnyGate %s is under the MIT license. It is built from these modules:\n\n", r.usage.Version)
	for _, p := range list {
		c := component{Type: "library", Ref: purl(p.Path, p.Version), Name: p.Path, Version: p.Version, Purl: purl(p.Path, p.Version), Licenses: []license{{Expression: p.license()}}}
		if len(p.Licenses) == 1 {
			c.Licenses = []license{{License: map[string]string{"id": p.Licenses[0]}}}
		}
		if p.Sum != "" {
			c.Properties = append(c.Properties, property{"go:sum", p.Sum})
		}
		c.Properties = append(c.Properties, property{"anygate:programs", strings.Join(p.Programs, " ")})
		components = append(components, c)
		depends.DependsOn = append(depends.DependsOn, c.Ref)
		fmt.Fprintf(&report, "%-50s %-36s %s\n", p.Path, p.license(), p.Version)
	}
	for _, p := range list {
		for _, text := range p.Texts {
			fmt.Fprintf(&report, "\n%s\n%s %s: %s\n", strings.Repeat("-", 80), p.Path, p.Version, text)
		}
	}
	bom, err := json.MarshalIndent(map[string]any{
		"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata":     map[string]any{"timestamp": r.time.Format("2006-01-02T15:04:05Z"), "component": self},
		"components":   components,
		"dependencies": []dependency{depends},
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.out, "anygate.cdx.json"), append(bom, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, "LICENSES.txt"), []byte(report.String()), 0o644)
}
