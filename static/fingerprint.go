package static

import "bytes"

// fingerprinted reports whether the name of a file, relative to the root, was made
// from its content, as build tools do it:
//
//	main.3f2a9c0b.js              webpack, Parcel, Rails: hexadecimal
//	static/css/0a1b2c3d4e5f6789.css
//	assets/index-BZ0vHKyV.js      Vite, Rollup, Astro, Nuxt: base64url
//	main-7QKZ3J2P.js              esbuild, Angular: base32
//	_next/static/..., _app/immutable/...  Next, SvelteKit: the directory says so
//
// A mistake in one direction costs a revalidation, in the other it shows users an
// old file for a year. So what might be a word, a date, a number or the identity of
// a thing rather than of its content is none: one in ten hashes looks like that.
// bundles says that the root is itself a directory of build output.
func fingerprinted(name []byte, bundles bool) bool {
	base := baseName(name)
	dirs := name[:len(name)-len(base)]
	if immutableDirectory(dirs) {
		return true
	}
	return hexFingerprint(base) || shortFingerprint(base, bundles || inBundles(dirs), inChunks(dirs))
}

// immutableDirectory reports whether a path leads through a directory that a
// framework reserves for files that never change.
func immutableDirectory(dirs []byte) bool {
	for _, dir := range [...]string{"_next/static/", "_app/immutable/"} {
		for at, rest := 0, dirs; ; {
			i := bytes.Index(rest, []byte(dir))
			if i < 0 {
				break
			}
			if at+i == 0 || dirs[at+i-1] == '/' {
				return true
			}
			at += i + 1
			rest = dirs[at:]
		}
	}
	return false
}

// inChunks reports whether a path leads to a directory in which build tools call files
// by their fingerprint alone.
func inChunks(dirs []byte) bool {
	return bytes.HasSuffix(dirs, []byte("chunks/")) || bytes.HasSuffix(dirs, []byte("_nuxt/"))
}

// inBundles reports whether a path leads through a directory that build tools fill.
func inBundles(dirs []byte) bool {
	for len(dirs) > 0 {
		var segment []byte
		if segment, dirs = cutAt(dirs, '/'); bundleDirectory(segment) {
			return true
		}
	}
	return false
}

// bundleDirectory reports whether build tools call the directory of their output
// so. In others a short fingerprint in mixed case would be a guess.
func bundleDirectory(segment []byte) bool {
	switch string(segment) {
	case "assets", "_astro", "_nuxt", "chunks", "build":
		return true
	}
	return false
}

// hexFingerprint reports whether a part of a file's name between dots, dashes,
// underscores or tildes is a hash in lower-case hexadecimal.
func hexFingerprint(base []byte) bool {
	if bytes.IndexByte(base, '.') < 0 || holdsUUID(base) {
		return false
	}
	for start := 0; start < len(base); {
		end := start
		for end < len(base) && !separates(base[end]) {
			end++
		}
		// The extension is no part of the name, and without one there is none.
		if end < len(base) && hexHash(base[start:end]) {
			// Databases name things by 12 octets; a content has no such hash.
			if whole := start == 0 && base[end] == '.'; !whole || end != 24 {
				return true
			}
		}
		start = end + 1
	}
	return false
}

// hexHash reports whether a token is a hash: 8 to 64 digits of both kinds, mixed.
func hexHash(token []byte) bool {
	if len(token) < 8 || len(token) > 64 {
		return false
	}
	switches := 0
	for i, b := range token {
		if !isDigit(b) && (b < 'a' || b > 'f') {
			return false
		}
		if i > 0 && isDigit(b) != isDigit(token[i-1]) {
			switches++
		}
	}
	// "feed2024" is a word and a number, "2024dec5" and "1feb2024" are dates.
	return switches > 1 && !(len(token) < 12 && (bytes.Contains(token, []byte("dec")) || bytes.Contains(token, []byte("feb"))))
}

// holdsUUID reports whether a name holds a UUID, which says who somebody is and not
// what they look like.
func holdsUUID(base []byte) bool {
	const size = 36
	for ; len(base) >= size; base = base[1:] {
		matches := true
		for i := range size {
			dash := i == 8 || i == 13 || i == 18 || i == 23
			if dash != (base[i] == '-') || !dash && hexDigit(base[i]) < 0 {
				matches = false
				break
			}
		}
		if matches {
			return true
		}
	}
	return false
}

// shortSize is the length of the fingerprints of esbuild and Rollup.
const shortSize = 8

// shortFingerprint reports whether eight characters before a dot are the
// fingerprint of a build tool.
func shortFingerprint(base []byte, bundles, chunks bool) bool {
	for i := shortSize; i < len(base); i++ {
		if base[i] != '.' {
			continue
		}
		token, whole := base[i-shortSize:i], i == shortSize
		if !whole && base[i-shortSize-1] != '-' && base[i-shortSize-1] != '.' {
			continue
		}
		if bundles && (chunks || !whole) && base64Hash(token) || !whole && buildOutput(base[i:]) && base32Hash(token) {
			return true
		}
	}
	return false
}

// buildOutput reports whether an extension is that of a script or a style.
func buildOutput(extension []byte) bool {
	switch string(extension) {
	case ".js", ".mjs", ".css", ".js.map", ".mjs.map", ".css.map":
		return true
	}
	return false
}

// base32Hash reports whether a token is capitals and the digits 2 to 7, mixed.
func base32Hash(token []byte) bool {
	switches := 0
	for i, b := range token {
		if (b < 'A' || b > 'Z') && (b < '2' || b > '7') {
			return false
		}
		if i > 0 && isDigit(b) != isDigit(token[i-1]) {
			switches++
		}
	}
	return switches > 1
}

// base64Hash reports whether a token is of the alphabet of base64url, has capitals
// and small letters, and is not made of words: UserList, Summer24, My_Photo.
func base64Hash(token []byte) bool {
	upper, lower := false, false
	for _, b := range token {
		switch {
		case isUpper(b):
			upper = true
		case isLower(b):
			lower = true
		case !isDigit(b) && b != '-' && b != '_':
			return false
		}
	}
	return upper && lower && !words(token)
}

// words reports whether a token is made of words, each with a vowel and longer than
// a letter, or of abbreviations in capitals, and perhaps of digits at the end.
func words(token []byte) bool {
	for len(token) > 0 && isDigit(token[len(token)-1]) {
		token = token[:len(token)-1]
	}
	for len(token) > 0 {
		if token[0] == '-' || token[0] == '_' {
			token = token[1:]
			continue
		}
		capitals := 0
		for capitals < len(token) && isUpper(token[capitals]) {
			capitals++
		}
		n, vowel := capitals, true
		switch {
		case capitals > 1 && n < len(token) && isLower(token[n]):
			n-- // the last one begins the next word
		case capitals < 2:
			vowel = capitals == 1 && isVowel(token[0])
			for n < len(token) && isLower(token[n]) {
				vowel = vowel || isVowel(token[n])
				n++
			}
		}
		if n < 2 || !vowel {
			return false
		}
		token = token[n:]
	}
	return true
}

// separates reports whether a character ends a part of a name.
func separates(b byte) bool { return b == '.' || b == '-' || b == '_' || b == '~' }

func isDigit(b byte) bool { return '0' <= b && b <= '9' }
func isUpper(b byte) bool { return 'A' <= b && b <= 'Z' }
func isLower(b byte) bool { return 'a' <= b && b <= 'z' }
func isVowel(b byte) bool { return bytes.IndexByte([]byte("aeiouy"), b|0x20) >= 0 }
