package control

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/privileges"
	"github.com/anygate/anygate/telemetry"
)

// DescribePrivileges says what Confine would do, a line for each thing; nothing where it would do no more than always.
func DescribePrivileges(cfg *config.Config) ([]string, error) {
	a, err := account(cfg)
	if err != nil {
		return nil, err
	}
	var lines []string
	switch {
	case a != nil:
		lines = append(lines, "becomes "+a.String())
		if c, low := needed(cfg); c != 0 {
			lines = append(lines, fmt.Sprintf("keeps the capability %s to listen on %s", c, strings.Join(low, ", ")))
		} else {
			lines = append(lines, "keeps no capability")
		}
	case cfg.Server.User.Name != "":
		lines = append(lines, "stays root")
	}
	version, err := landlock(cfg)
	switch {
	case err != nil:
		return nil, err
	case version > 0:
		r := reaches(cfg, nil, &Confinement{})
		line := fmt.Sprintf("is kept to its files by Landlock (version %d): it reads %s", version, strings.Join(r.Paths(privileges.Read|privileges.Write), " "))
		if w := r.Paths(privileges.Write); len(w) > 0 {
			line += "; writes " + strings.Join(w, " ")
		}
		lines = append(lines, line+"; executes "+strings.Join(r.Paths(privileges.Execute), " "))
	case a != nil && cfg.Server.Landlock.Mode == "auto":
		_, missing := privileges.ABI()
		lines = append(lines, "is not kept to its files: "+missing)
	}
	return lines, nil
}

// held are the capabilities of a process, in few words where it has given up none.
func held(own *privileges.Status) string {
	if own.UID == 0 && own.Permitted == own.Bounding {
		return "those of root"
	}
	return own.Permitted.String()
}

// tellPrivileges logs what the process may.
func (s *Server) tellPrivileges() {
	own, err := privileges.Own()
	if err != nil {
		s.logs.say(telemetry.Warn, "what this process may cannot be found out", telemetry.String("error", err.Error()))
		return
	}
	state := s.opt.Heritage.given()
	land := "off"
	if state != nil && state.Landlock > 0 {
		land = "version " + strconv.Itoa(state.Landlock)
	}
	groups := make([]string, len(own.Groups))
	for i, g := range own.Groups {
		groups[i] = strconv.Itoa(g)
	}
	fields := []telemetry.Field{telemetry.Int("uid", int64(own.UID)), telemetry.Int("gid", int64(own.GID)), telemetry.String("groups", strings.Join(groups, " "))}
	if state != nil && state.User != "" {
		fields = append([]telemetry.Field{telemetry.String("user", state.User)}, fields...)
	}
	noNew := "no"
	if own.NoNewPrivs {
		noNew = "yes"
	}
	s.logs.say(telemetry.Info, "privileges", append(fields, telemetry.String("capabilities", held(&own)),
		telemetry.String("no_new_privs", noNew), telemetry.String("landlock", land))...)
	if own.UID == 0 && s.opt.Config.Server.User.Name == "" {
		s.logs.say(telemetry.Warn, "this process runs as root: server.user names a user as whom it goes on when its addresses are bound")
	}
	if state != nil && state.User != "" {
		s.tellUnusable()
	}
	if kept := s.opt.Heritage.Files().Kept(); state != nil && len(kept) > 0 {
		s.logs.say(telemetry.Info, "the user may not read some files: what they held at the start is used as long as they do not change",
			telemetry.String("files", strings.Join(kept, " ")))
		if path, err := os.Executable(); err == nil && own.Permitted == 0 && privileges.LookedInto(path) {
			s.logs.say(telemetry.Warn, "other programs of the user can look into this one for a moment when it is started or upgraded, and find these files: chmod a-r keeps them from it",
				telemetry.String("program", path))
		}
	}
}

// tellUnusable warns of directories that the user cannot write to, as root could. What cannot be read is an error where it
// is opened.
func (s *Server) tellUnusable() {
	for _, w := range wants(s.opt.Config) {
		if w.access == privileges.Write && !w.around && errors.Is(unix.Access(w.path, unix.W_OK|unix.X_OK), unix.EACCES) {
			s.logs.say(telemetry.Warn, "the user of this process cannot write to a directory of the configuration", telemetry.String("path", w.path),
				telemetry.String("at", fmt.Sprintf("%s:%d:%d", w.pos.File, w.pos.Line, w.pos.Col)))
		}
	}
}
