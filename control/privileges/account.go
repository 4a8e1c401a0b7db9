package privileges

import (
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"slices"
	"strconv"
	"strings"
)

// Account is a user with its groups.
type Account struct {
	Name string
	UID  int
	GID  int
	// Groups are the supplementary ones, GID among them.
	Groups []int
}

// String writes the account for people.
func (a *Account) String() string {
	groups := make([]string, len(a.Groups))
	for i, g := range a.Groups {
		groups[i] = strconv.Itoa(g)
	}
	return fmt.Sprintf("%s (uid %d, gid %d, groups %s)", a.Name, a.UID, a.GID, strings.Join(groups, " "))
}

// Lookup finds a user, and the group that it is to have if that is not its own; group may be empty. Both are names or
// numbers. The user's further groups are those that the system knows, as initgroups(3) has it.
func Lookup(name, group string) (*Account, error) {
	a := &Account{Name: name, GID: -1}
	known, err := findUser(name)
	switch {
	case err == nil:
		a.Name = known.Username
		if a.UID, err = number(known.Uid); err != nil {
			return nil, err
		}
		if a.GID, err = number(known.Gid); err != nil {
			return nil, err
		}
		ids, err := known.GroupIds()
		if err != nil {
			return nil, fmt.Errorf("cannot look up the groups of the user %s: %w", name, err)
		}
		for _, id := range ids {
			g, err := number(id)
			if err != nil {
				return nil, err
			}
			a.Groups = append(a.Groups, g)
		}
	case !isUnknown(err):
		return nil, fmt.Errorf("cannot look up the user %s: %w", name, err)
	default:
		// A number needs no entry; only the group has to be known then.
		if a.UID, err = number(name); err != nil {
			return nil, fmt.Errorf("there is no user %q", name)
		}
		if group == "" {
			return nil, fmt.Errorf("there is no user with the number %s, whose group would be known: name one as well, as in %s:%s", name, name, name)
		}
	}
	if group != "" {
		if a.GID, err = findGroup(group); err != nil {
			return nil, err
		}
	}
	a.Groups = append(a.Groups, a.GID)
	slices.Sort(a.Groups)
	a.Groups = slices.Compact(a.Groups)
	return a, nil
}

// findUser finds a user by name, then by number, as programs that take both do.
func findUser(name string) (*user.User, error) {
	u, err := user.Lookup(name)
	if err == nil || !isUnknown(err) {
		return u, err
	}
	if _, e := number(name); e != nil {
		return nil, err
	}
	return user.LookupId(name)
}

func findGroup(name string) (int, error) {
	g, err := user.LookupGroup(name)
	switch {
	case err == nil:
		return number(g.Gid)
	case !isUnknown(err):
		return 0, fmt.Errorf("cannot look up the group %s: %w", name, err)
	}
	n, err := number(name)
	if err != nil {
		return 0, fmt.Errorf("there is no group %q", name)
	}
	return n, nil
}

// isUnknown reports whether a search has found nothing, which is not to say that it has failed. A system without a list of
// users, a container with one program say, knows nobody; numbers will do there.
func isUnknown(err error) bool {
	var (
		byName  user.UnknownUserError
		byID    user.UnknownUserIdError
		byGroup user.UnknownGroupError
	)
	return errors.As(err, &byName) || errors.As(err, &byID) || errors.As(err, &byGroup) || errors.Is(err, fs.ErrNotExist)
}

// number reads an id. The highest one stands for none (setresuid(2)).
func number(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 1<<32-1 {
		return 0, fmt.Errorf("%q is no number of a user or group", s)
	}
	return int(n), nil
}
