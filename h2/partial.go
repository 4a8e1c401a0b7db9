package h2

// Partial reports whether the beginning of a frame, or of a header block, has come whose rest has not. Of content there is
// none: it is passed on as it comes.
func (c *Conn) Partial() bool {
	return c.headLen > 0 || c.step == stepPayload && c.frame.left > 0 || c.flags.has(inBlock)
}
