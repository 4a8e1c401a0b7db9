package h2

// Code is an error code (RFC 9113, section 7).
type Code uint32

// The registered codes.
const (
	NoError            Code = 0x0
	ProtocolError      Code = 0x1
	InternalError      Code = 0x2
	FlowControlError   Code = 0x3
	SettingsTimeout    Code = 0x4
	StreamClosed       Code = 0x5
	FrameSizeError     Code = 0x6
	RefusedStream      Code = 0x7
	Cancel             Code = 0x8
	CompressionError   Code = 0x9
	ConnectError       Code = 0xa
	EnhanceYourCalm    Code = 0xb
	InadequateSecurity Code = 0xc
	HTTP11Required     Code = 0xd
)

var codeNames = [...]string{
	NoError:            "no_error",
	ProtocolError:      "protocol_error",
	InternalError:      "internal_error",
	FlowControlError:   "flow_control_error",
	SettingsTimeout:    "settings_timeout",
	StreamClosed:       "stream_closed",
	FrameSizeError:     "frame_size_error",
	RefusedStream:      "refused_stream",
	Cancel:             "cancel",
	CompressionError:   "compression_error",
	ConnectError:       "connect_error",
	EnhanceYourCalm:    "enhance_your_calm",
	InadequateSecurity: "inadequate_security",
	HTTP11Required:     "http_1_1_required",
}

// String returns the name of the code in lower case, for logs and metrics.
func (c Code) String() string {
	if int64(c) >= int64(len(codeNames)) {
		return "unknown"
	}
	return codeNames[c]
}
