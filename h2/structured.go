package h2

// sfKind is the type of a bare item of structured fields (RFC 8941, section 3.3).
type sfKind uint8

const (
	sfOther sfKind = iota
	sfInteger
	sfBoolean
)

// sfItem is a bare item, as far as it matters.
type sfItem struct {
	kind  sfKind
	value int64
}

// sfParser reads a dictionary of structured fields strictly (RFC 8941, section 4.2.2).
type sfParser struct {
	b []byte
	i int
}

func (p *sfParser) peek() byte {
	if p.i < len(p.b) {
		return p.b[p.i]
	}
	return 0
}

// spaces skips SP, blanks also HTAB.
func (p *sfParser) spaces() {
	for p.peek() == ' ' {
		p.i++
	}
}

func (p *sfParser) blanks() {
	for p.peek() == ' ' || p.peek() == '\t' {
		p.i++
	}
}

// key reads a key, nil if there is none.
func (p *sfParser) key() []byte {
	start := p.i
	if c := p.peek(); !isLower(c) && c != '*' {
		return nil
	}
	for c := p.peek(); isLower(c) || isDigit(c) || c == '_' || c == '-' || c == '.' || c == '*'; c = p.peek() {
		p.i++
	}
	return p.b[start:p.i]
}

// member reads what follows a key: a value, or nothing for "true", and parameters, which mean nothing here.
func (p *sfParser) member() (item sfItem, ok bool) {
	item = sfItem{sfBoolean, 1}
	ok = true
	if p.peek() == '=' {
		p.i++
		if p.peek() == '(' {
			item, ok = sfItem{}, p.innerList()
		} else {
			item, ok = p.bareItem()
		}
	}
	return item, ok && p.parameters()
}

func (p *sfParser) parameters() bool {
	for p.peek() == ';' {
		p.i++
		p.spaces()
		if p.key() == nil {
			return false
		}
		if p.peek() == '=' {
			p.i++
			if _, ok := p.bareItem(); !ok {
				return false
			}
		}
	}
	return true
}

func (p *sfParser) innerList() bool {
	p.i++
	for {
		p.spaces()
		if p.peek() == ')' {
			p.i++
			return true
		}
		if _, ok := p.bareItem(); !ok || !p.parameters() {
			return false
		}
		if c := p.peek(); c != ' ' && c != ')' {
			return false
		}
	}
}

func (p *sfParser) bareItem() (item sfItem, ok bool) {
	switch c := p.peek(); {
	case c == '?':
		p.i++
		v := p.peek()
		p.i++
		return sfItem{sfBoolean, int64(v) - '0'}, v == '0' || v == '1'
	case c == '-' || isDigit(c):
		return p.number()
	case c == '"':
		return sfItem{}, p.quoted()
	case c == ':':
		return sfItem{}, p.binary()
	case c == '*' || isLower(c|0x20):
		for c := p.peek(); c == ':' || c == '/' || isTokenByte(c); c = p.peek() {
			p.i++
		}
		return sfItem{}, true
	}
	return sfItem{}, false
}

// number reads an integer of at most fifteen digits, or a decimal of twelve and three.
func (p *sfParser) number() (item sfItem, ok bool) {
	sign := int64(1)
	if p.peek() == '-' {
		sign = -1
		p.i++
	}
	start := p.i
	var v int64
	for isDigit(p.peek()) && p.i-start < 16 {
		v = v*10 + int64(p.peek()-'0')
		p.i++
	}
	whole := p.i - start
	if p.peek() != '.' {
		return sfItem{sfInteger, sign * v}, whole > 0 && whole <= 15
	}
	p.i++
	point := p.i
	for isDigit(p.peek()) && p.i-point < 4 {
		p.i++
	}
	part := p.i - point
	return sfItem{}, whole > 0 && whole <= 12 && part > 0 && part <= 3
}

func (p *sfParser) quoted() bool {
	for p.i++; p.i < len(p.b); p.i++ {
		switch c := p.b[p.i]; {
		case c == '"':
			p.i++
			return true
		case c == '\\':
			p.i++
			if c := p.peek(); c != '"' && c != '\\' {
				return false
			}
		case c < ' ' || c > '~':
			return false
		}
	}
	return false
}

func (p *sfParser) binary() bool {
	for p.i++; p.i < len(p.b); p.i++ {
		switch c := p.b[p.i]; {
		case c == ':':
			p.i++
			return true
		case !isLower(c|0x20) && !isDigit(c) && c != '+' && c != '/' && c != '=':
			return false
		}
	}
	return false
}

func isLower(c byte) bool { return c-'a' < 26 }
func isDigit(c byte) bool { return c-'0' < 10 }

// isTokenByte reports whether c is a tchar (RFC 9110, section 5.6.2).
func isTokenByte(c byte) bool {
	if isLower(c|0x20) || isDigit(c) {
		return true
	}
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return false
}
