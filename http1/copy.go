package http1

// CopyTo makes dst a copy of the request that borrows nothing, in the memory that it has. It is for a request that has to
// wait for something while its bytes cannot.
func (r *Request) CopyTo(dst *Request) {
	end := 0
	reach := func(s Span) { end = max(end, int(s.Off)+int(s.Len)) }
	for _, s := range []Span{r.Method, r.Target, r.Path, r.Query, r.Host, r.HostName} {
		reach(s)
	}
	for i := range r.Fields {
		reach(r.Fields[i].Value)
		reach(r.Fields[i].Name)
	}
	// What is behind the last field is CRLF in any version of HTTP; whoever copies lines as they are relies on it.
	buf := append(append(dst.Buf[:0], r.Buf[:end]...), CRLF...)
	fields := append(dst.Fields[:0], r.Fields...)
	*dst = *r
	dst.Buf, dst.Fields = buf, fields
}
