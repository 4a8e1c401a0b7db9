package schema

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
)

// editor is a client of yaml-language-server, as an editor is one. It speaks to one document after the other.
type editor struct {
	t    *testing.T
	dir  string
	in   io.Writer
	out  *textproto.Reader
	last int // number of a request
	// said are the diagnostics of documents, the last ones of each, by their URIs.
	said map[string][]diagnostic
}

type diagnostic struct {
	Message string
	Range   struct{ Start position }
}

type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// message is what goes to and fro: a request, an answer or a notification.
type message struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      *int            `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// start installs the server, at the versions of editor/package-lock.json, and starts it. The schema lies beside the
// documents, where their first lines look for it.
func start(t *testing.T) *editor {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	home := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join("editor", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(home, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	install.Dir = home
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm: %v (test/install.sh installs it)\n%s", err, out)
	}
	e := &editor{t: t, dir: t.TempDir(), said: map[string][]diagnostic{}}
	if err := os.WriteFile(filepath.Join(e.dir, "anygate.schema.json"), config.Schema(), 0o644); err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(ctx, filepath.Join(home, "node_modules/.bin/yaml-language-server"), "--stdio")
	server.Stderr = os.Stderr
	in, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = server.Wait() })
	e.in, e.out = in, textproto.NewReader(bufio.NewReader(out))
	e.ask("initialize", map[string]any{
		"processId": os.Getpid(), "rootUri": "file://" + e.dir,
		"capabilities": map[string]any{"textDocument": map[string]any{"hover": map[string]any{"contentFormat": []string{"plaintext"}}}},
	}, nil)
	e.tell("initialized", map[string]any{})
	e.tell("workspace/didChangeConfiguration", map[string]any{"settings": map[string]any{"yaml": map[string]any{
		"validate": true, "completion": true, "hover": true, "schemaStore": map[string]any{"enable": false},
	}}})
	return e
}

func (e *editor) send(m message) {
	e.t.Helper()
	m.JSONRPC = "2.0"
	text, err := json.Marshal(m)
	if err == nil {
		_, err = fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(text), text)
	}
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *editor) tell(method string, params any) {
	e.t.Helper()
	e.send(message{Method: method, Params: params})
}

// receive reads one message. What the server asks is answered with nothing, and diagnostics are kept.
func (e *editor) receive() message {
	e.t.Helper()
	head, err := e.out.ReadMIMEHeader()
	if err != nil {
		e.t.Fatalf("the server has ended: %v", err)
	}
	size, err := strconv.Atoi(head.Get("Content-Length"))
	text := make([]byte, size)
	if err == nil {
		_, err = io.ReadFull(e.out.R, text)
	}
	var published struct {
		URI         string
		Diagnostics []diagnostic
	}
	m := message{Params: &published}
	if err == nil {
		var kind struct{ Method string }
		if err = json.Unmarshal(text, &kind); err == nil && kind.Method != "textDocument/publishDiagnostics" {
			m.Params = nil
		}
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		e.t.Fatalf("%v in %s", err, text)
	}
	switch {
	case m.Method == "textDocument/publishDiagnostics":
		e.said[published.URI] = published.Diagnostics
	case m.Method != "" && m.ID != nil:
		e.send(message{ID: m.ID, Result: json.RawMessage("null")})
	}
	return m
}

// ask asks, and waits for the answer.
func (e *editor) ask(method string, params, result any) {
	e.t.Helper()
	e.last++
	id := e.last
	e.send(message{ID: &id, Method: method, Params: params})
	for {
		m := e.receive()
		if m.Method != "" || m.ID == nil || *m.ID != id {
			continue
		}
		if m.Error != nil {
			e.t.Fatalf("%s: %s", method, m.Error)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				e.t.Fatalf("%s: %v in %s", method, err, m.Result)
			}
		}
		return
	}
}

// head is the line that docs/editors.md has.
const head = "# yaml-language-server: $schema=./anygate.schema.json\n"

// open opens a document with a text below that line, and returns its URI.
func (e *editor) open(name, text string) string {
	e.t.Helper()
	uri := "file://" + filepath.Join(e.dir, name)
	e.tell("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": uri, "languageId": "yaml", "version": 1, "text": head + text}})
	return uri
}

// diagnostics waits for what the server has to say of a document.
func (e *editor) diagnostics(uri string) []diagnostic {
	e.t.Helper()
	for {
		if said, ok := e.said[uri]; ok {
			return said
		}
		e.receive()
	}
}

// TestEditor has yaml-language-server read the schema, and look at documents as one types them.
func TestEditor(t *testing.T) {
	e := start(t)
	valid := map[string]string{}
	for name, text := range examples(t) {
		valid[e.open(fmt.Sprintf("valid%d.yml", len(valid)), text)] = name + "\n" + text
	}
	for uri, what := range valid {
		for _, d := range e.diagnostics(uri) {
			t.Errorf("line %d: %s: in %s", d.Range.Start.Line, d.Message, what)
		}
	}
	for i, text := range mistakes {
		if len(e.diagnostics(e.open(fmt.Sprintf("mistake%d.yml", i), text))) == 0 {
			t.Errorf("nothing is said of\n%s", text)
		}
	}
	if said := e.diagnostics(e.open("typed.yml", "listen: :80\nroutes:\n  /: {to: http://x, balanse: p2c}\n")); len(said) == 0 || said[0].Range.Start.Line != 3 || !strings.Contains(said[0].Message, "balanse") {
		t.Errorf("of balanse it says %+v", said)
	}

	at := func(uri string, line, character int) map[string]any {
		return map[string]any{"textDocument": map[string]any{"uri": uri}, "position": position{line, character}}
	}
	for i, tt := range []struct {
		text  string // the cursor is at its end
		wants []string
	}{
		{"", []string{"listen", "routes", "upstreams", "server", "tls", "log", "admin"}},
		{"routes: {/: OK}\nserver:\n  ", []string{"engine", "shards", "limits", "timeouts"}},
		{"routes: {/: OK}\nserver:\n  engine: ", []string{"auto", "epoll", "io_uring"}},
		{"upstreams:\n  api:\n    ", []string{"members", "balance", "health", "breaker"}},
		{"routes:\n  /:\n    ", []string{"to", "dir", "answer", "use"}},
	} {
		uri := e.open(fmt.Sprintf("completed%d.yml", i), tt.text)
		lines := strings.Split(head+tt.text, "\n")
		var list struct{ Items []struct{ Label string } }
		e.ask("textDocument/completion", at(uri, len(lines)-1, len(lines[len(lines)-1])), &list)
		var labels []string
		for _, item := range list.Items {
			labels = append(labels, item.Label)
		}
		for _, want := range tt.wants {
			if !slices.Contains(labels, want) {
				t.Errorf("%q is not offered behind %q, but %q", want, tt.text, labels)
			}
		}
	}

	uri := e.open("hovered.yml", "listen: :80\nroutes: {/: OK}\nserver:\n  shards: 2\n")
	for _, tt := range []struct {
		line, character int
		want            string
	}{
		{1, 2, "IP:PORT"},
		{4, 4, "Event loops"},
	} {
		var hover struct{ Contents json.RawMessage }
		e.ask("textDocument/hover", at(uri, tt.line, tt.character), &hover)
		if !strings.Contains(string(hover.Contents), tt.want) {
			t.Errorf("at %d:%d it shows %s, without %q", tt.line, tt.character, hover.Contents, tt.want)
		}
	}
}
