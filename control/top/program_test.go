package top

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/anygate/anygate/control/admin"
)

// press sends keys to a model.
func press(m *model, keys ...tea.Key) (quit bool) {
	for _, k := range keys {
		if _, cmd := m.Update(tea.KeyPressMsg(k)); cmd != nil {
			_, quit = cmd().(tea.QuitMsg)
		}
	}
	return quit
}

func TestModel(t *testing.T) {
	before, now := statuses()
	m := &model{ask: func() (*admin.Status, error) { return now, nil }, every: time.Second, width: 80, height: 24}
	if text := strings.Join(m.lines(), "\n"); !strings.HasPrefix(text, "asking") {
		t.Errorf("it begins with %s", text)
	}
	m.Update(tea.WindowSizeMsg{Width: 100, Height: 8})
	m.Update(answered{before, nil})
	m.Update(answered{now, nil})
	if m.screen.Before != before || m.screen.Now != now {
		t.Error("the answers are not compared")
	}
	lines := m.lines()
	if len(lines) != 8 || !strings.Contains(lines[2], "ROUTE") || !strings.HasPrefix(lines[7], "q quit") {
		t.Errorf("the screen is\n%s", strings.Join(lines, "\n"))
	}
	press(m, tea.Key{Code: 'j', Text: "j"}, tea.Key{Code: tea.KeyDown})
	if lines = m.lines(); !strings.Contains(lines[0], "ROUTE") {
		t.Errorf("scrolled, the screen is\n%s", strings.Join(lines, "\n"))
	}
	for range 100 {
		press(m, tea.Key{Code: tea.KeyPgDown})
		lines = m.lines()
	}
	if !strings.Contains(strings.Join(lines, "\n"), "rate_limited") {
		t.Errorf("at the end, the screen is\n%s", strings.Join(lines, "\n"))
	}
	press(m, tea.Key{Code: tea.KeyHome}, tea.Key{Code: 's', Text: "s"}, tea.Key{Code: 'p', Text: "p"})
	if m.screen.Order != ByErrors || !m.paused || m.first != 0 {
		t.Errorf("order %v, paused %t, first line %d", m.screen.Order, m.paused, m.first)
	}
	m.Update(answered{before, nil})
	if m.screen.Now != now {
		t.Error("it goes on although it is paused")
	}
	m.Update(answered{nil, errors.New("gone \x1b[2J")})
	if lines = m.lines(); lines[len(lines)-1] != "gone ?[2J" || !strings.Contains(lines[0], "anygate") {
		t.Errorf("with an error, the screen is\n%s", strings.Join(lines, "\n"))
	}
	if press(m, tea.Key{Code: 'x', Text: "x"}) || !press(m, tea.Key{Code: 'q', Text: "q"}) || !press(m, tea.Key{Code: 'c', Mod: tea.ModCtrl}) {
		t.Error("it does not end when it should")
	}
}

// screenful is what a program writes, for a test that waits for something in it.
type screenful struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screenful) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *screenful) has(part string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.buf.String(), part)
}

// TestRun ends by a key, and by a signal.
func TestRun(t *testing.T) {
	_, now := statuses()
	for _, end := range []string{"key", "signal"} {
		t.Run(end, func(t *testing.T) {
			in, keys := io.Pipe()
			defer keys.Close()
			out, stop, ended := new(screenful), make(chan os.Signal, 1), make(chan error, 1)
			go func() {
				ended <- Run(Options{Ask: func() (*admin.Status, error) { return now, nil }, Every: time.Hour, Stop: stop, In: in, Out: out, Width: 80, Height: 24})
			}()
			for deadline := time.Now().Add(20 * time.Second); !out.has("ROUTE"); time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("it shows %q", out.buf.String())
				}
			}
			if end == "key" {
				_, _ = keys.Write([]byte("q"))
			} else {
				stop <- syscall.SIGTERM
			}
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("it does not end")
			}
		})
	}
}

func TestClient(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Authorization") {
		case "Bearer good":
			_, _ = io.WriteString(w, `{"version": "1.2.3"}`)
		case "Bearer odd":
			_, _ = io.WriteString(w, `hello`)
		default:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error": "a token is needed"}`)
		}
	})
	tcp := httptest.NewServer(handler)
	defer tcp.Close()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	local := httptest.NewUnstartedServer(handler)
	local.Listener = l
	local.Start()
	defer local.Close()
	for _, tt := range []struct{ address, token, want string }{
		{tcp.Listener.Addr().String(), "good", ""},
		{"unix:" + path, "good", ""},
		{tcp.Listener.Addr().String(), "", "a token is needed"},
		{tcp.Listener.Addr().String(), "odd", "understood"},
		{"unix:" + path + "x", "", "cannot be reached"},
	} {
		st, err := NewClient(tt.address, tt.token).Status()
		switch {
		case tt.want == "" && (err != nil || st.Version != "1.2.3"):
			t.Errorf("%s: %+v, %v", tt.address, st, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v", tt.address, err)
		}
	}
}
