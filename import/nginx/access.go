package nginx

import (
	"bufio"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// rule is an allow or a deny.
type rule struct {
	prefix netip.Prefix
	deny   bool
}

// access turns allow and deny, of which the first that holds the address counts, into those of AnyGate, of which the longest
// prefix does. Rules that come too late to count are left out; what is left is in the right order by itself.
func (b *builder) access(n *node) []string {
	var level *node
	for at := n; at != nil && level == nil; at = at.parent {
		for _, c := range at.children {
			if c.name == "allow" || c.name == "deny" {
				level = at
			}
		}
	}
	if level == nil {
		return nil
	}
	var rules []rule
	for _, c := range level.children {
		if c.name != "allow" && c.name != "deny" {
			continue
		}
		c.seen = true
		prefixes, ok := prefixes(c.arg(0))
		if !ok {
			b.lost(c, "It is no address and no prefix.", "")
			continue
		}
		for _, p := range prefixes {
			if !covered(rules, p) {
				rules = append(rules, rule{p, c.name == "deny"})
			}
		}
	}
	var allow, deny []string
	everybody := map[int]bool{} // by the length of the address, denied or not
	for _, r := range rules {
		if r.prefix.Bits() == 0 {
			everybody[r.prefix.Addr().BitLen()] = r.deny
		}
	}
	for _, r := range rules {
		rest, denied := everybody[r.prefix.Addr().BitLen()]
		switch {
		case r.deny:
			deny = append(deny, short(r.prefix))
		case r.prefix.Bits() == 0 && len(rules) > 2 && !rest && !denied:
		default:
			allow = append(allow, short(r.prefix))
		}
	}
	only := everybody[32] && everybody[128]
	switch {
	case len(allow) > 0 && only:
		// An allow keeps all others out: that need not be said.
		deny = without(deny, "0.0.0.0/0", "::/0")
	case len(allow) > 0 && !isIn(allow, "0.0.0.0/0"):
		// Exceptions of what is denied: all others are let in.
		allow = append(allow, "0.0.0.0/0", "::/0")
	}
	if len(deny) == 0 && isIn(allow, "0.0.0.0/0") {
		return nil
	}
	if len(deny) > 0 && len(without(allow, "0.0.0.0/0", "::/0")) == 0 {
		allow = nil // Everybody else is let in anyway.
	}
	var use []string
	if len(allow) > 0 {
		use = append(use, "allow "+strings.Join(allow, " "))
	}
	if len(deny) > 0 {
		use = append(use, "deny "+strings.Join(deny, " "))
	}
	return use
}

func prefixes(s string) ([]netip.Prefix, bool) {
	if s == "all" {
		return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, true
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return []netip.Prefix{p.Masked()}, true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return nil, false
	}
	return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, true
}

// short writes a prefix of one address as the address.
func short(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// covered reports whether a rule in the list decides about all of p.
func covered(rules []rule, p netip.Prefix) bool {
	for _, r := range rules {
		if r.prefix.Bits() <= p.Bits() && r.prefix.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

func without(list []string, out ...string) (kept []string) {
	for _, s := range list {
		if !isIn(out, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

func isIn(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// besideMain is the path of a file that nginx looks for beside its main configuration.
func (c *converter) besideMain(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.dir, name)
}

// auth is the password that a route asks for.
func (b *builder) auth(n *node) []string {
	d := n.setting("auth_basic")
	if d == nil || d.arg(0) == "off" {
		return nil
	}
	f := n.setting("auth_basic_user_file")
	if f == nil {
		return nil
	}
	if strings.Contains(d.arg(0), "$") {
		b.lost(d, "Whether there is a password depends on the request: here there always is.", "")
	}
	name := b.literal(f, f.arg(0))
	if strings.Contains(name, "$") {
		b.lost(f, "The file depends on the request: nobody is let in.", "Write a route for each file.")
		return []string{"deny 0.0.0.0/0 ::/0"}
	}
	name = b.besideMain(name)
	b.judge(f, name)
	if strings.ContainsAny(name, " \"") {
		name = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return []string{"auth basic " + name}
}

// judge reports passwords whose hashes AnyGate does not take.
func (b *builder) judge(f *node, name string) {
	file, err := os.Open(name)
	if err != nil {
		return // It is on another machine; anygate check will tell.
	}
	defer func() { _ = file.Close() }()
	weak := 0
	for s := bufio.NewScanner(file); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		_, hash, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		switch {
		case strings.HasPrefix(hash, "$2"), strings.HasPrefix(hash, "$5$"), strings.HasPrefix(hash, "$6$"):
		default:
			weak++
		}
	}
	if weak > 0 {
		b.lost(f, "The file has hashes that do not protect a password (MD5, SHA-1, crypt), and AnyGate does not take them.", "Write it anew with htpasswd -B.")
	}
}
