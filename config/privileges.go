package config

import (
	"fmt"
	"strconv"
	"strings"
)

// User is the account as which the process goes on when its addresses are bound.
type User struct {
	// Name and Group are names or numbers; Group is empty for that of the user.
	Name, Group string
	Pos         Pos
}

// String writes the account as `server.user` has it; empty for none.
func (u *User) String() string {
	if u.Group != "" {
		return u.Name + ":" + u.Group
	}
	return u.Name
}

// Landlock says whether the kernel keeps the process to the files that its configuration names.
type Landlock struct {
	// Mode is "auto", "on" or "off".
	Mode string
	// Read and Write are directories, and files, beyond those that the configuration names elsewhere.
	Read, Write []File
}

const wantUser = "the name or number of a user, and of a group behind a colon if it is another one: www-data, or www-data:ssl-cert"

// readUser reads USER or USER:GROUP. Whether there are such is the system's to say, and asked when they are needed.
func (l *loader) readUser(v *node, u *User) {
	s, ok := l.text(v, wantUser)
	if !ok {
		return
	}
	name, group, more := strings.Cut(s, ":")
	if !isAccount(name) || more && !isAccount(group) {
		l.errorAt(v, Diagnostic{Msg: strconv.Quote(s) + " is not a user", Want: wantUser})
		return
	}
	*u = User{Name: name, Group: group, Pos: v.pos()}
}

// isAccount reports whether a text can be the name or number of an account. What systems allow differs; nothing allows
// what separates the fields and lines of passwd(5).
func isAccount(s string) bool {
	return s != "" && s[0] != '-' && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == ':' || r == ',' || r == '/' })
}

// readLandlock reads a mode, or a mapping with one and with further paths.
func (l *loader) readLandlock(v *node, k *Landlock) {
	mode := func(_, v *node) { l.readChoice(v, &k.Mode, "auto", "on", "off") }
	if v.shape != mapping {
		mode(nil, v)
		return
	}
	paths := func(into *[]File) func(_, v *node) {
		return func(_, v *node) {
			*into = nil
			for _, item := range l.items(v) {
				f, ok := l.place(item, "a directory, or a file")
				switch {
				case !ok:
				case len(*into) == maxReach:
					l.errorAt(item, Diagnostic{Msg: "more than " + strconv.Itoa(maxReach) + " paths", Want: "directories that hold more of them"})
					return
				default:
					*into = append(*into, f)
				}
			}
		}
	}
	l.fields(v, "server.landlock", field{"mode", mode}, field{"read", paths(&k.Read)}, field{"write", paths(&k.Write)})
}

// String writes the settings as `server.landlock` has them.
func (k *Landlock) String() string {
	if len(k.Read) == 0 && len(k.Write) == 0 {
		return k.Mode
	}
	list := func(files []File) string {
		paths := make([]string, len(files))
		for i, f := range files {
			paths[i] = f.Path
		}
		return flowList(paths)
	}
	return fmt.Sprintf("{mode: %s, read: %s, write: %s}", k.Mode, list(k.Read), list(k.Write))
}

type jsonLandlock struct {
	Mode  string   `json:"mode"`
	Read  []string `json:"read,omitempty"`
	Write []string `json:"write,omitempty"`
}

func (k *Landlock) json() jsonLandlock {
	out := jsonLandlock{Mode: k.Mode}
	for _, f := range k.Read {
		out.Read = append(out.Read, f.Name)
	}
	for _, f := range k.Write {
		out.Write = append(out.Write, f.Name)
	}
	return out
}
