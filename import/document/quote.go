package document

import (
	"regexp"
	"strconv"
	"strings"
)

// plain is what may stand without quotes anywhere, in a flow collection too. It is narrower than YAML is.
var plain = regexp.MustCompile(`^[A-Za-z/.~+_][A-Za-z0-9/._~+=@:;*()<>^-]*( [A-Za-z0-9/._~+=@:;|*()<>^"-]+)*$`)

// otherwise are words that YAML reads as something else than text.
var otherwise = map[string]bool{
	"": true, "~": true, "null": true, "true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "y": true, "n": true,
	".nan": true, ".inf": true, "+.inf": true,
}

// number is a member's address or a size: digits first, and never a number as a whole.
var number = regexp.MustCompile(`^[0-9][A-Za-z0-9./:_-]*[A-Za-z:/][A-Za-z0-9./:_-]*( [A-Za-z0-9./:_-]+)*$`)

// quoted writes a string as YAML. AnyGate would replace ${NAME}; $${ is the way to write the characters themselves.
func quoted(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "${", "$${"), "\ufffd")
	switch {
	case strings.ContainsFunc(s, unprintable):
		return doubleQuoted(s)
	case looksPlain(s):
		return s
	}
	if !strings.ContainsAny(s, `"\`) {
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// unprintable are characters that YAML has only as escapes, or that break lines.
func unprintable(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r >= 0xfffe && r <= 0xffff
}

func looksPlain(s string) bool {
	if otherwise[strings.ToLower(s)] || strings.Contains(s, ": ") || strings.HasSuffix(s, ":") || strings.Contains(s, " #") {
		return false
	}
	return (plain.MatchString(s) || number.MatchString(s)) && !looksNumeric(s)
}

// looksNumeric says that a parser of YAML may take s for a number or a time: 0x1F, 1e5, 12:30:45, 2026-01-01.
func looksNumeric(s string) bool {
	s = strings.ReplaceAll(s, "_", "")
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return true
	}
	if _, err := strconv.ParseInt(s, 0, 64); err == nil {
		return true
	}
	return !strings.ContainsAny(s, "/.") && strings.Trim(s, "0123456789:-TZtz ") == ""
}

// doubleQuoted writes a string whose characters need escapes.
func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case unprintable(r):
			b.WriteString(`\u` + strconv.FormatInt(0x10000+int64(r), 16)[1:])
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// key writes the key of an entry.
func (e Entry) key() string {
	if e.Quoted {
		return doubleQuoted(strings.ToValidUTF8(strings.ReplaceAll(e.Key, "${", "$${"), "\ufffd"))
	}
	if strings.Trim(e.Key, "0123456789") == "" && e.Key != "" || e.Key == "on" {
		return e.Key // AnyGate's own keys.
	}
	return quoted(e.Key)
}
