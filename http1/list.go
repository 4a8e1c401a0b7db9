package http1

// NextItem splits a list-based field value (RFC 9110, section 5.6.1) after its first member. Commas inside a
// quoted-string (section 5.6.4) do not separate. The member comes without the whitespace around it and may be empty,
// which a recipient ignores. The usual loop:
//
//	for len(rest) > 0 {
//		item, rest = http1.NextItem(rest)
//		...
//	}
func NextItem(list []byte) (item, rest []byte) {
	i := cut(list, ',')
	if i == len(list) {
		return trimBlank(list), nil
	}
	return trimBlank(list[:i]), list[i+1:]
}

// NextParam splits a member with parameters (RFC 9110, section 5.6.6) after its first ";", so that the first call
// returns what the parameters belong to and each further one a parameter, which CutParam splits.
func NextParam(item []byte) (part, rest []byte) {
	i := cut(item, ';')
	if i == len(item) {
		return trimBlank(item), nil
	}
	return trimBlank(item[:i]), item[i+1:]
}

// CutParam splits a parameter at its first "=". The value keeps its quotes, if it has any. ok is false if there is no
// "=".
func CutParam(param []byte) (name, value []byte, ok bool) {
	for i, c := range param {
		if c == '=' {
			return param[:i], param[i+1:], true
		}
	}
	return param, nil, false
}

// Weight returns the "q" parameter of a member in thousandths (RFC 9110, section 12.4.2): 1000 if there is none, and -1
// if it is malformed.
func Weight(item []byte) int {
	_, rest := NextParam(item)
	for len(rest) > 0 {
		var param []byte
		param, rest = NextParam(rest)
		name, value, ok := CutParam(param)
		if ok && EqualFold(name, "q") {
			return parseWeight(value)
		}
	}
	return 1000
}

// parseWeight parses ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ).
func parseWeight(b []byte) int {
	if len(b) == 0 || len(b) > 5 || (b[0] != '0' && b[0] != '1') || (len(b) > 1 && b[1] != '.') {
		return -1
	}
	weight, unit := int(b[0]-'0')*1000, 100
	for i := 2; i < len(b); i++ {
		if class[b[i]]&classDigit == 0 {
			return -1
		}
		weight += int(b[i]-'0') * unit
		unit /= 10
	}
	if weight > 1000 {
		return -1
	}
	return weight
}

// cut returns the index of the first sep that is not inside a quoted-string, or len(b).
func cut(b []byte, sep byte) int {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == sep && !quoted:
			return i
		}
	}
	return len(b)
}
