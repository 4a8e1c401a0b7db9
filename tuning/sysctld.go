package tuning

import (
	"path"
	"slices"
	"strings"
)

// assignment is a line of a file of sysctls that sets one (sysctl.d(5)).
type assignment struct {
	// key is in the form with dots: "net.ipv4.conf.eth0/100.rp_filter" is about the interface eth0.100.
	key, value string
	// lenient is the sign before the key that lets it be missing.
	lenient bool
}

// parseAssignment reads a line. Comments set nothing, and neither does a key by itself, which only excludes it from patterns.
func parseAssignment(line string) (a assignment, ok bool) {
	line = strings.TrimSpace(line)
	key, value, ok := strings.Cut(line, "=")
	if !ok || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
		return a, false
	}
	a.key, a.lenient = strings.CutPrefix(strings.TrimSpace(key), "-")
	a.value = strings.Join(strings.Fields(value), " ")
	// The first of the two signs is what separates; the other one then stands for it within a name.
	if i := strings.IndexAny(a.key, "./"); i >= 0 && a.key[i] == '/' {
		a.key = swapSeparators(a.key)
	}
	return a, a.key != ""
}

// String is the line in one form.
func (a assignment) String() string {
	sign := ""
	if a.lenient {
		sign = "-"
	}
	return sign + a.key + " = " + a.value
}

// swapSeparators turns a key with dots into a path, and a path into a key.
func swapSeparators(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, s)
}

// sysctlPath is where a sysctl is found.
func sysctlPath(key string) string { return "/proc/sys/" + swapSeparators(key) }

// assignments are the lines of a file of sysctls that set something.
func assignments(text string) (out []assignment) {
	for line := range strings.Lines(text) {
		if a, ok := parseAssignment(line); ok {
			out = append(out, a)
		}
	}
	return out
}

// assignmentLines are the same as lines, in one form.
func assignmentLines(text string) []string {
	out := []string{}
	for _, a := range assignments(text) {
		out = append(out, a.String())
	}
	return out
}

// The first lines of the file that Apply writes. Of the first one only the beginning is always the same.
const (
	fileHead  = "# Written by 'anygate tune apply'"
	fileHead2 = "# docs/tuning.md says why; settings of your own belong into another file.\n"
)

// rewrite sets keys in a file of sysctls. What others have written stays as it is, byte for byte, but for lines that set one of
// the keys: they are replaced by one, at the place of the first. A value that keep says is good stays too.
func rewrite(text, head string, set []assignment, keep func(a assignment) bool) string {
	last := make(map[string]assignment) // of several lines for a key the last one holds
	for _, a := range assignments(text) {
		last[a.key] = a
	}
	var b strings.Builder
	b.WriteString(head)
	written := make(map[string]bool)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, fileHead) || line == fileHead2 {
			continue
		}
		a, _ := parseAssignment(line)
		i := slices.IndexFunc(set, func(s assignment) bool { return s.key == a.key })
		switch {
		case i < 0 || keep(last[a.key]):
			b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		case !written[a.key]:
			s := set[i]
			s.lenient = s.lenient || a.lenient
			b.WriteString(s.String() + "\n")
		}
		written[a.key] = true
	}
	for _, s := range set {
		if !written[s.key] {
			b.WriteString(s.String() + "\n")
		}
	}
	return b.String()
}

// overridden warns of files that set a key to something else and are read after ours (sysctl.d(5)).
func (h *Host) overridden(key, wanted string) (warnings []string) {
	files := map[string]string{}
	for _, dir := range []string{"/usr/lib/sysctl.d", "/usr/local/lib/sysctl.d", "/run/sysctl.d", "/etc/sysctl.d"} {
		for _, name := range h.names(dir) {
			// A file takes the place of one with its name in a directory before.
			if strings.HasSuffix(name, ".conf") && name > path.Base(SysctlFile) {
				files[name] = path.Join(dir, name)
			}
		}
	}
	files["~"] = "/etc/sysctl.conf" // read last by sysctl --system
	for _, name := range sortedKeys(files) {
		for _, a := range assignments(h.text(files[name])) {
			if a.key == key && a.value != wanted {
				warnings = append(warnings, files[name]+" sets "+key+" to "+a.value+", and is read later: at the next start that holds")
			}
		}
	}
	return warnings
}
