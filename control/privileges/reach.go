package privileges

import (
	"path/filepath"
	"slices"
	"strings"
)

// Access is what may be done with a file, or with all files below a directory.
type Access uint8

// The ways of access.
const (
	Read    Access = 1 << iota // files, and the lists of directories
	Write                      // changing, making and removing files
	Sockets                    // making and removing unix sockets
	Execute                    // running programs
)

// Reach is a path, and what may be done there and below it.
type Reach struct {
	Path   string `json:"path"`
	Access Access `json:"access"`
}

// Reaches is a list of them, each path without links in it and once.
type Reaches []Reach

// Add adds a path as it is, and where its links lead; what is not there is left out.
func (r *Reaches) Add(path string, access Access) {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return
	}
	if resolved, err = filepath.Abs(resolved); err != nil {
		return
	}
	i, found := slices.BinarySearchFunc(*r, resolved, func(have Reach, path string) int { return strings.Compare(have.Path, path) })
	if found {
		(*r)[i].Access |= access
		return
	}
	*r = slices.Insert(*r, i, Reach{resolved, access})
}

// AddAround adds the directory that a path stands in, and the one of what its links lead to: whatever is put in its place
// by a rename, or by another link in its stead, is reached too. At the top of the file system it is the path alone.
func (r *Reaches) AddAround(path string, access Access) {
	path, err := filepath.Abs(path)
	if err != nil {
		return
	}
	r.around(path, access)
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		r.around(resolved, access)
	}
}

func (r *Reaches) around(path string, access Access) {
	if dir := filepath.Dir(path); dir != "/" {
		r.Add(dir, access)
		return
	}
	r.Add(path, access)
}

// Allow reports whether a path may be used so. Of what is not there yet, the directory that it would stand in counts.
func (r Reaches) Allow(path string, access Access) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	resolved, err := filepath.EvalSymlinks(path)
	for rest := ""; err != nil && path != "/"; {
		rest = filepath.Join(filepath.Base(path), rest)
		path = filepath.Dir(path)
		if resolved, err = filepath.EvalSymlinks(path); err == nil {
			resolved = filepath.Join(resolved, rest)
		}
	}
	if err != nil {
		return false
	}
	var have Access
	for _, reach := range r {
		if reach.Path == "/" || resolved == reach.Path || strings.HasPrefix(resolved, reach.Path+"/") {
			have |= reach.Access
		}
	}
	return have&access == access
}

// Paths are those with an access, without those below others of them.
func (r Reaches) Paths(access Access) (list []string) {
	for _, reach := range r {
		if reach.Access&access == 0 {
			continue
		}
		if n := len(list); n > 0 && (list[n-1] == "/" || strings.HasPrefix(reach.Path, list[n-1]+"/")) {
			continue
		}
		list = append(list, reach.Path)
	}
	return list
}
