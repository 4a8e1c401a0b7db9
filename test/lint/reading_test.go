package lint

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// readers are the files of the control plane, and below, that may read files by their names, each for a reason that is not
// the configuration. All others go by config.Config.ReadFile: of a configuration that was signed, it gives the bytes that were
// verified, and nothing else.
var readers = []string{
	"config/load.go",                   // is what ReadFile comes to where nothing is signed
	"control/bundle/trust.go",          // verifies
	"control/cgroup.go",                // the kernel's limits
	"control/certificates/ech_key.go",  // the server's own keys
	"control/certificates/ocsp.go",     // responses, which are signed themselves
	"control/destination/file.go",      // writes logs
	"control/discovery/files.go",       // the system's resolver
	"control/overload.go",              // how much memory there is
	"control/privileges/capability.go", // the kernel's first free port
	"control/privileges/status.go",     // what the kernel says of a process
	"control/tls.go",                   // writes the log of keys
}

// TestConfigurationIsReadInOnePlace looks for other ways to a file.
func TestConfigurationIsReadInOnePlace(t *testing.T) {
	for _, p := range packages(t) {
		if folder := p.folder(); folder != "control" && folder != "config" && folder != "policy" && folder != "tlsedge" {
			continue
		}
		set, files := p.sources(t)
		for name, f := range files {
			if slices.Contains(readers, path.Join(strings.TrimPrefix(p.ImportPath, module+"/"), name)) {
				continue
			}
			for _, call := range reads(f) {
				t.Errorf("%s: a file is read by its name; config.Config.ReadFile would give what was verified", set.Position(call.Pos()))
			}
		}
	}
}

// reads are the calls that open a file by its name.
func reads(f *ast.File) (calls []ast.Node) {
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "os" && slices.Contains([]string{"ReadFile", "Open", "OpenFile", "DirFS"}, s.Sel.Name) {
				calls = append(calls, n)
			}
		}
		return true
	})
	return calls
}
