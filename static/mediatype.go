package static

// MediaType is the value of Content-Type that a file of this name is served with.
func MediaType(name string) string { return contentType([]byte(name)) }
