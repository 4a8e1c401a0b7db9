package top

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/anygate/anygate/control/admin"
)

const (
	// answerTime bounds an answer.
	answerTime = 5 * time.Second
	// maxAnswer bounds its length.
	maxAnswer = 64 << 20
)

// Client asks an admin server.
type Client struct {
	base  string
	token string
	http  http.Client
}

// NewClient makes a client for an address: HOST:PORT, or unix:/PATH. token may be empty.
func NewClient(address, token string) *Client {
	c := &Client{base: "http://" + address, token: token, http: http.Client{Timeout: answerTime}}
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		c.base = "http://localhost"
		var d net.Dialer
		c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", path)
		}}
	}
	return c
}

// Status asks how the process is.
func (c *Client) Status() (*admin.Status, error) {
	q, err := http.NewRequest(http.MethodGet, c.base+"/status", nil)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		q.Header.Set("Authorization", "Bearer "+c.token)
	}
	a, err := c.http.Do(q)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op
		}
		return nil, fmt.Errorf("the admin API cannot be reached: %w", err)
	}
	defer a.Body.Close()
	body := json.NewDecoder(io.LimitReader(a.Body, maxAnswer))
	if a.StatusCode != http.StatusOK {
		var failure struct{ Error string }
		if body.Decode(&failure) != nil || failure.Error == "" {
			failure.Error = a.Status
		}
		return nil, fmt.Errorf("the admin API refuses: %s", failure.Error)
	}
	st := new(admin.Status)
	if err := body.Decode(st); err != nil {
		return nil, fmt.Errorf("the admin API gives no answer that is understood: %w", err)
	}
	return st, nil
}
