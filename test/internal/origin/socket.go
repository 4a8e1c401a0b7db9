package origin

import (
	"net/http"

	"github.com/coder/websocket"
)

// socketMessage bounds the messages that socket takes.
const socketMessage = 4 << 20

// socket is a WebSocket (RFC 6455) that returns each message, and closes when it is closed. As the library's servers do by
// themselves, it refuses a browser whose page comes from another host than the one that it was asked under.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{"echo"}, CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		return // It has been answered.
	}
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(socketMessage)
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if c.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}
