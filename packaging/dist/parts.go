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
	License            string // by its SPDX identifier
	Text               string // the file that says so
	Programs           []string
}

// parts lists the modules that are linked into the programs, as the programs themselves say, and the standard library.
func (r *release) parts() ([]part, error) {
	var list []part
	add := func(name, module string, m *debug.Module) error {
		for i := range list {
			if list[i].Path == m.Path && list[i].Version == m.Version {
				if !slices.Contains(list[i].Programs, name) {
					list[i].Programs = append(list[i].Programs, name)
				}
				return nil
			}
		}
		if m.Path == "github.com/anygate/anygate" {
			return nil // what is replaced by the source itself
		}
		p := part{Path: m.Path, Version: m.Version, Sum: m.Sum, Programs: []string{name}}
		dir, err := r.sourceOf(module, m)
		if err == nil {
			err = p.readLicense(dir)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		list = append(list, p)
		return nil
	}
	for _, program := range r.programs() {
		for _, arch := range r.archs {
			info, err := buildinfo.ReadFile(r.binary(program.name, arch))
			if err != nil {
				return nil, err
			}
			if err := add(program.name, "", &debug.Module{Path: "std", Version: info.GoVersion}); err != nil {
				return nil, err
			}
			for _, m := range info.Deps {
				if err := add(program.name, program.module, m); err != nil {
					return nil, err
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b part) int { return strings.Compare(a.Path+"@"+a.Version, b.Path+"@"+b.Version) })
	return list, nil
}

// sourceOf is the directory of a module's source.
func (r *release) sourceOf(module string, m *debug.Module) (string, error) {
	query := []string{"env", "GOROOT"}
	if m.Path != "std" {
		query = []string{"list", "-m", "-f", "{{.Dir}}", m.Path}
	}
	cmd := exec.Command("go", query...)
	cmd.Dir = filepath.Join(r.root, module)
	out, err := cmd.Output()
	dir := strings.TrimSpace(string(out))
	if err == nil && dir == "" {
		err = fmt.Errorf("its source is not in the cache of modules")
	}
	return dir, err
}

// licenseFiles are the names under which licences lie.
var licenseFiles = []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING", "COPYING.txt"}

// readLicense finds the licence of a module. One that is not known is an error: somebody has to read it.
func (p *part) readLicense(dir string) error {
	for _, name := range licenseFiles {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		if p.License = identify(string(text)); p.License == "" {
			return fmt.Errorf("the licence in %s is none that is known; see identify", name)
		}
		p.Text = string(text)
		return nil
	}
	return fmt.Errorf("no licence is found")
}

// identify names a licence by phrases that no other has.
func identify(text string) string {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	has := func(phrases ...string) bool {
		return !slices.ContainsFunc(phrases, func(p string) bool { return !strings.Contains(text, p) })
	}
	switch {
	case has("apache license", "version 2.0, january 2004", "limitations under the license"):
		return "Apache-2.0"
	case has("apache license", "version 2.0, january 2004"):
		return "Apache-2.0"
	case has("mozilla public license", "version 2.0"):
		return "MPL-2.0"
	case has("redistributions of source code must retain", "redistributions in binary form", "neither the name"):
		return "BSD-3-Clause"
	case has("redistributions of source code must retain", "redistributions in binary form"):
		return "BSD-2-Clause"
	case has("permission is hereby granted, free of charge", `the software is provided "as is"`):
		return "MIT"
	case has("permission to use, copy, modify, and/or distribute this software"):
		return "ISC"
	}
	return ""
}

// writeParts writes the list of parts in the form of CycloneDX, and the licences with their texts.
func (r *release) writeParts(list []part) error {
	type license struct {
		License map[string]string `json:"license"`
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
	purl := func(path, version string) string { return "pkg:golang/" + path + "@" + version }
	self := component{
		Type: "application", Ref: purl("github.com/anygate/anygate", r.usage.Version), Name: "anygate", Version: r.usage.Version,
		Purl: purl("github.com/anygate/anygate", r.usage.Version), Licenses: []license{{map[string]string{"id": "MIT"}}},
		Properties: []property{{"anygate:commit", r.commit}},
	}
	components := []component{}
	depends := dependency{Ref: self.Ref, DependsOn: []string{}}
	var report strings.Builder
	fmt.Fprintf(&report, "AnyGate %s is under the MIT license. It is built from these modules:\n\n", r.usage.Version)
	for _, p := range list {
		c := component{Type: "library", Ref: purl(p.Path, p.Version), Name: p.Path, Version: p.Version, Purl: purl(p.Path, p.Version), Licenses: []license{{map[string]string{"id": p.License}}}}
		if p.Sum != "" {
			c.Properties = append(c.Properties, property{"go:sum", p.Sum})
		}
		c.Properties = append(c.Properties, property{"anygate:programs", strings.Join(p.Programs, " ")})
		components = append(components, c)
		depends.DependsOn = append(depends.DependsOn, c.Ref)
		fmt.Fprintf(&report, "%-45s %-12s %s\n", p.Path, p.License, p.Version)
	}
	for _, p := range list {
		fmt.Fprintf(&report, "\n%s\n%s %s\n\n%s\n", strings.Repeat("-", 80), p.Path, p.Version, strings.TrimSpace(p.Text))
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
