package privileges

// State is what a program that was executed with fewer rights has to know of the one before. The rest the kernel says.
type State struct {
	// User is the name of the account that was asked for, empty for none.
	User string `json:"user,omitempty"`
	// Landlock is the version in force, 0 for none, and Reaches what it allows.
	Landlock int     `json:"landlock,omitempty"`
	Reaches  Reaches `json:"reaches,omitempty"`
	// Kept are files that cannot be read any more, by their absolute names.
	Kept map[string]keptFile `json:"kept,omitempty"`
}

// who is the user, for messages.
func (s *State) who() string {
	if s == nil || s.User == "" {
		return "the user it runs as"
	}
	return "the user " + s.User
}
