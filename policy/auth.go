package policy

import "strconv"

// AuthKind is the way a client proves who it is.
type AuthKind uint8

// The kinds of auth.
const (
	// AuthBasic is a user and password of a file (RFC 7617): auth basic FILE.
	AuthBasic AuthKind = iota
	// AuthBearer is a bearer token (RFC 6750): auth bearer ENV_OR_FILE.
	AuthBearer
	// AuthHeader is a secret in a field of any name: auth header NAME ENV_OR_FILE.
	AuthHeader
)

// Auth admits requests with the right credentials and answers others with 401.
type Auth struct {
	Kind AuthKind
	// Field is the name of the field for AuthHeader.
	Field string
	// Source names what holds the secrets.
	Source string
	// Env says that Source is an environment variable; otherwise it is a file.
	Env bool
}

var _ Filed = Auth{}

// Name returns "auth".
func (Auth) Name() string { return "auth" }

// Available says that this version checks credentials.
func (Auth) Available() bool { return true }

// Slot is the same for all: a route has one way to prove who one is.
func (Auth) Slot() string { return "auth" }

// String writes the canonical line. It names the source of the secrets, never a secret.
func (a Auth) String() string {
	switch a.Kind {
	case AuthBearer:
		return "auth bearer " + quote(a.Source)
	case AuthHeader:
		return "auth header " + a.Field + " " + quote(a.Source)
	}
	return "auth basic " + quote(a.Source)
}

// Files are the file, if there is one.
func (a Auth) Files() []string {
	if a.Env {
		return nil
	}
	return []string{a.Source}
}

// WithFiles is the policy with another name for the file.
func (a Auth) WithFiles(rename func(string) string) Policy {
	if !a.Env {
		a.Source = rename(a.Source)
	}
	return a
}

func parseAuth(w *words) (Policy, *Error) {
	item, err := w.need("the kind of authentication")
	if err != nil {
		return nil, err
	}
	var a Auth
	switch item.Text {
	case "basic":
		file, err := w.need("the password file")
		if err != nil {
			return nil, err
		}
		a.Source = file.Text
		return a, nil
	case "bearer":
		a.Kind = AuthBearer
	case "header":
		a.Kind = AuthHeader
		name, err := w.need("the name of the header field")
		if err != nil {
			return nil, err
		}
		if err := checkFieldName(name, 0, len(name.Text)); err != nil {
			return nil, err
		}
		a.Field = name.Text
	default:
		e := item.wrong("unknown kind of authentication "+strconv.Quote(item.Text), "basic, bearer or header")
		e.Suggest = suggest(item.Text, "basic", "bearer", "header")
		return nil, e
	}
	source, err := w.need("the environment variable or file with the secret")
	if err != nil {
		return nil, err
	}
	a.Source, a.Env = source.Text, envName(source.Text)
	return a, nil
}

// envName tells environment variables from files: capitals, digits and underscores only.
func envName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= 'A' && c <= 'Z' || c == '_' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != ""
}
