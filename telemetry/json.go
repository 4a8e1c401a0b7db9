package telemetry

// AppendJSONString appends s as a JSON string of any length, in one line of visible characters.
func AppendJSONString(dst, s []byte) []byte { return appendQuoted(dst, s, 1<<30) }
