package coding

// AppendTag writes the entity tag of a coded form: the opaque tag of the
// identity form with the coding's name within its quotes. RFC 9110 8.8.3.3 wants
// the tags of different codings of one resource to differ, and clients and
// caches must not join their bytes.
func AppendTag(dst, identity []byte, c Coding) []byte {
	if c == Identity || len(identity) < 2 {
		return append(dst, identity...)
	}
	dst = append(dst, identity[:len(identity)-1]...)
	dst = append(dst, '-')
	dst = append(dst, names[c]...)
	return append(dst, '"')
}
