// Package demo is the site that anygate serves when there is no configuration. Its files are part of the program.
//
// They are served by the static action like any others, so they have to be files: Open unpacks them to a temporary
// directory, which belongs to the Site and which Close removes. It runs on the main goroutine, before and after serving.
package demo

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/anygate/anygate/config"
)

//go:embed site
var files embed.FS

// configName is the configuration, which is one of the files of the site: it shows how it is served.
const configName = "anygate.yml"

// Site is the demo, unpacked.
type Site struct {
	Config *config.Config
	dir    string
}

// Open unpacks the site and compiles its configuration.
func Open() (_ *Site, err error) {
	dir, err := os.MkdirTemp("", "anygate-demo-")
	if err != nil {
		return nil, fmt.Errorf("the demo site cannot be unpacked: %w; set TMPDIR to a directory that can be written to", err)
	}
	s := &Site{dir: dir}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	site, err := fs.Sub(files, "site")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, site); err != nil {
		return nil, fmt.Errorf("the demo site cannot be unpacked: %w", err)
	}
	cfg, diagnostics := config.Load(filepath.Join(dir, configName))
	if err := diagnostics.Err(); err != nil {
		return nil, err
	}
	s.Config = cfg
	return s, nil
}

// Close removes the unpacked files.
func (s *Site) Close() { _ = os.RemoveAll(s.dir) }
