package tlsedge

import "crypto/tls"

// The alerts that this package sends itself (RFC 8446, section 6).
const (
	alertCloseNotify       = 0
	alertUnexpectedMessage = 10
	alertBadRecordMAC      = 20
	alertRecordOverflow    = 22
	alertIllegalParameter  = 47
	alertDecodeError       = 50
	alertInternalError     = 80
	alertUserCanceled      = 90

	alertWarning = 1
	alertFatal   = 2
)

// sentAlert is why a connection was ended from here.
type sentAlert uint8

func (a sentAlert) Error() string { return "ended with the alert: " + tls.AlertError(a).Error() }

// gotAlert is the alert by which the peer has ended a connection.
type gotAlert uint8

func (a gotAlert) Error() string { return "ended by the peer's alert: " + tls.AlertError(a).Error() }
