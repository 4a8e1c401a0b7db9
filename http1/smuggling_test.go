package http1

import "testing"

// The smuggling catalogue: heads that two recipients are known to frame differently. Each names the misreading that
// makes it dangerous. None may be accepted, in requests or in responses.
var smuggling = []struct {
	name, fields string
	want         Error
}{
	{"CL.TE", "Content-Length: 6\r\nTransfer-Encoding: chunked", ErrFramingConflict},
	{"TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4", ErrFramingConflict},
	{"CL.0 beside chunked", "Content-Length: 0\r\nTransfer-Encoding: chunked", ErrFramingConflict},
	{"both, with a coding not supported", "Content-Length: 4\r\nTransfer-Encoding: identity", ErrFramingConflict},
	{"both, with an empty coding", "Content-Length: 4\r\nTransfer-Encoding:", ErrFramingConflict},
	{"CL.CL", "Content-Length: 8\r\nContent-Length: 7", ErrRepeatedLength},
	{"CL.CL around another field", "Content-Length: 8\r\nX: y\r\nCONTENT-LENGTH: 8", ErrRepeatedLength},
	{"CL list taken by its first", "Content-Length: 0, 44", ErrBadContentLength},
	{"CL with a comma", "Content-Length: 5,", ErrBadContentLength},
	{"CL read to its first non-digit", "Content-Length: 5abc", ErrBadContentLength},
	{"CL with digit groups", "Content-Length: 1_000", ErrBadContentLength},
	{"CL with an exponent", "Content-Length: 1e3", ErrBadContentLength},
	{"CL with digits of another script", "Content-Length: \xd9\xa5", ErrBadContentLength},
	{"CL that wraps 32 bits is not wrapped", "Content-Length: 4294967296x", ErrBadContentLength},
	{"TE twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", ErrBadTransferCoding},
	{"TE.TE taken by its first", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", ErrBadTransferCoding},
	{"TE.TE taken by its last", "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked", ErrBadTransferCoding},
	{"TE.TE in odd case", "Transfer-Encoding: chunked\r\ntransfer-encoding: x", ErrBadTransferCoding},
	{"TE matched by suffix", "Transfer-Encoding: xchunked", ErrBadTransferCoding},
	{"TE matched by prefix", "Transfer-Encoding: chunkedx", ErrBadTransferCoding},
	{"TE matched by substring", "Transfer-Encoding: notchunked;x", ErrBadTransferCoding},
	{"TE with a parameter", "Transfer-Encoding: chunked;q=1", ErrBadTransferCoding},
	{"TE list that ends in chunked", "Transfer-Encoding: gzip, chunked", ErrBadTransferCoding},
	{"TE list that does not", "Transfer-Encoding: chunked, gzip", ErrBadTransferCoding},
	{"TE list with chunked twice", "Transfer-Encoding: chunked, chunked", ErrBadTransferCoding},
	{"TE list with an empty member", "Transfer-Encoding: , chunked", ErrBadTransferCoding},
	{"TE list with a comma behind", "Transfer-Encoding: chunked,", ErrBadTransferCoding},
	{"TE identity", "Transfer-Encoding: identity", ErrBadTransferCoding},
	{"TE empty", "Transfer-Encoding:", ErrBadTransferCoding},
	{"TE quoted", "Transfer-Encoding: \"chunked\"", ErrBadTransferCoding},
	{"TE in single quotes", "Transfer-Encoding: 'chunked'", ErrBadTransferCoding},
	{"TE with a no-break space", "Transfer-Encoding: \xa0chunked", ErrBadTransferCoding},
	{"TE with a letter of Unicode that folds to k", "Transfer-Encoding: chun\xe2\x84\xaaed", ErrBadTransferCoding},
	{"TE behind a vertical tab", "Transfer-Encoding:\x0bchunked", ErrBadFieldValue},
	{"TE behind a form feed", "Transfer-Encoding: \x0cchunked", ErrBadFieldValue},
	{"TE before a vertical tab", "Transfer-Encoding: chunked\x0b", ErrBadFieldValue},
	{"TE behind a NUL", "Transfer-Encoding: \x00chunked", ErrBadFieldValue},
	{"TE behind a CR", "Transfer-Encoding: \rchunked", ErrBareCR},
	{"TE before a CR", "Transfer-Encoding: chunked\r", ErrBareCR},
	{"TE in an obs-fold", "Transfer-Encoding:\r\n chunked", ErrObsFold},
	{"TE before an obs-fold", "Transfer-Encoding: chunked\r\n , identity", ErrObsFold},
	{"TE with space before the colon", "Transfer-Encoding : chunked", ErrSpaceBeforeColon},
	{"TE with tab before the colon", "Transfer-Encoding\t: chunked", ErrSpaceBeforeColon},
	{"TE with vertical tab before the colon", "Transfer-Encoding\x0b: chunked", ErrBadFieldName},
	{"TE with NUL before the colon", "Transfer-Encoding\x00: chunked", ErrBadFieldName},
	{"TE behind a space", " Transfer-Encoding: chunked", ErrObsFold},
	{"TE behind a tab", "X: y\r\n\tTransfer-Encoding: chunked", ErrObsFold},
	{"TE behind a lone LF", "X: y\nTransfer-Encoding: chunked", ErrBareLF},
	{"TE behind a lone CR", "X: y\rTransfer-Encoding: chunked", ErrBareCR},
	{"TE behind a CR CR LF", "X: y\r\r\nTransfer-Encoding: chunked", ErrBareCR},
	{"TE behind an LF CR", "X: y\n\rTransfer-Encoding: chunked", ErrBareLF},
	{"CL with space before the colon", "Content-Length : 5", ErrSpaceBeforeColon},
	{"CL with a NUL in the name", "Content-\x00Length: 5", ErrBadFieldName},
	{"CL with a space in the name", "Content Length: 5", ErrSpaceBeforeColon},
	{"CL behind a colon", ":Content-Length: 5", ErrBadFieldName},
	{"a line without a colon", "Transfer-Encoding chunked", ErrSpaceBeforeColon},
	{"a second request line as a field", "GET /admin HTTP/1.1", ErrSpaceBeforeColon},
}

func TestSmugglingInRequests(t *testing.T) {
	for _, tt := range smuggling {
		t.Run(tt.name, func(t *testing.T) { refuseRequest(t, field(tt.fields), tt.want) })
	}
	t.Run("TE in HTTP/1.0", func(t *testing.T) {
		refuseRequest(t, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", ErrBadTransferCoding)
	})
	t.Run("TE and CL in HTTP/1.0", func(t *testing.T) {
		refuseRequest(t, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", ErrFramingConflict)
	})
}

func TestSmugglingInResponses(t *testing.T) {
	for _, tt := range smuggling {
		t.Run(tt.name, func(t *testing.T) {
			refuseResponse(t, "HTTP/1.1 200 OK\r\n"+tt.fields+"\r\n\r\n", tt.want)
		})
	}
}

// Names that only look like a framing field are ordinary fields: they are accepted, and they frame nothing. A recipient
// that takes "_" for "-", as CGI does, has to be protected by whoever forwards to it.
func TestNamesThatOnlyLookLikeFraming(t *testing.T) {
	for _, name := range []string{"Content_Length", "Transfer_Encoding", "Content-Length-", "X-Content-Length", "ContentLength", "Transfer-Encodin"} {
		var r Request
		if err := r.Parse([]byte(field(name+": 5")), &DefaultLimits); err != OK {
			t.Errorf("%s: %v", name, err)
		}
		if kind, _ := r.Content(); kind != BodyNone {
			t.Errorf("%s frames content", name)
		}
	}
}
