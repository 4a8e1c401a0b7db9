package static

// The answers without a file are fixed: a line of text for whoever looks at
// them with curl, and nothing that tells about the file system.
const (
	errorLines = "Content-Type: text/plain; charset=utf-8\r\n" + lineNoSniff
	allowed    = "GET, HEAD"
)

var (
	errorBlock       = []byte(errorLines)
	notFoundBlock    = []byte(errorLines + lineVary)
	unavailableBlock = []byte(errorLines + "Retry-After: 1\r\n")
	methodBlock      = []byte(errorLines + "Allow: " + allowed + "\r\n")
	optionsBlock     = []byte("Allow: " + allowed + "\r\n")

	text301 = []byte("301 Moved Permanently\n")
	text400 = []byte("400 Bad Request\n")
	text403 = []byte("403 Forbidden\n")
	text404 = []byte("404 Not Found\n")
	text405 = []byte("405 Method Not Allowed\n")
	text412 = []byte("412 Precondition Failed\n")
	text416 = []byte("416 Range Not Satisfiable\n")
	text500 = []byte("500 Internal Server Error\n")
	text503 = []byte("503 Service Unavailable\n")
)

// textOf is the body for a status.
func textOf(status uint16) []byte {
	switch status {
	case 301:
		return text301
	case 400:
		return text400
	case 403:
		return text403
	case 404:
		return text404
	case 405:
		return text405
	case 412:
		return text412
	case 416:
		return text416
	case 503:
		return text503
	}
	return text500
}

// refuse makes an answer without a file.
func (a *Answer) refuse(r *Request, status uint16, block []byte) {
	text := textOf(status)
	a.Status, a.Block, a.Length = int(status), block, int64(len(text))
	if !r.HEAD {
		a.Text = text
	}
}
