package peers

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/template"

	"github.com/anygate/anygate/bench/internal/proc"
)

//go:embed *.conf
var templates embed.FS

// Feature is a thing that a scenario asks of a server.
type Feature uint

const (
	// Fixed is an answer that does not come from a file or an upstream.
	Fixed Feature = 1 << iota
	// SmallFile is a file that fits a server's ordinary buffers.
	SmallFile
	// LargeFile is a file that does not.
	LargeFile
	// Missing is a correct 404 for a path that does not exist.
	Missing
	// Proxy is passing requests to an upstream.
	Proxy
	// Closing is to end a connection after its answer when the client asks for that.
	Closing
	// H2C is HTTP/2 without TLS, by prior knowledge.
	H2C
	// TLS is TLS 1.3 with X25519, and HTTP/1.1 in it.
	TLS
	// H2 is HTTP/2 over TLS, by ALPN.
	H2
	// PostQuantum is TLS with X25519MLKEM768.
	PostQuantum
	// Precompressed is to send the gzip form that lies beside a file.
	Precompressed
	// Coding is to make a gzip form of a file that has none.
	Coding
	// Observed is to log each request as JSON to a file, and to count for who asks for metrics.
	Observed
	// Limited is to limit the rate of each client.
	Limited

	webServer = Fixed | SmallFile | LargeFile | Missing | Proxy | Closing
)

// Site is what a server is started for.
type Site struct {
	// Port is where it listens, on 127.0.0.1.
	Port int
	// H2C is the port for HTTP/2 without TLS, 0 if there is to be none.
	H2C int
	// TLS is the port for TLS, on which HTTP/2 is offered too; 0 if there is to be none.
	TLS int
	// Certificate and Key are PEM files, and Bundle holds both.
	Certificate, Key, Bundle string
	// Root holds the folders static and coded.
	Root string
	// Upstream is the port of the upstream on 127.0.0.1, 0 if there is none.
	Upstream int
	// Scratch is a directory of its own for configuration, logs and sockets.
	Scratch string
	// Workers is the number of processors that the server is pinned to.
	Workers int
	// Path, Content and Closing say what will be asked of it; only the floor needs to know.
	Path    string
	Content int64
	Closing bool
	// Descriptors is the limit of open files.
	Descriptors uint64
	// Metrics is the port on which /metrics is answered, and says that each request is logged to Log; 0 if neither is
	// to be.
	Metrics int
	// Limited says that there is a limit of rates, which no client reaches.
	Limited bool
}

// Log is the file of the access log.
func (s Site) Log() string { return filepath.Join(s.Scratch, "access.log") }

// Workshop is where programs are built and kept.
type Workshop struct {
	// Module is the root of this repository.
	Module string
	// Bin is the directory for built programs.
	Bin string
}

// Peer is a server under comparison.
type Peer struct {
	// Name is what --peer takes and reports show.
	Name string
	// About says what one should know of how it is run here.
	About string
	// Serves is what it can do.
	Serves Feature
	// Find locates or builds the program. Its error says how to get a missing one.
	Find func(ctx context.Context, shop Workshop) (program string, err error)
	// Version asks the program what it is.
	Version func(ctx context.Context, program string) string
	// Config is the name of the configuration's template, empty if there is none.
	Config string
	// Setting is handed to the template: what distinguishes two peers that share one.
	Setting string
	// Command is how the program is started; config is the path of the rendered template.
	Command func(program, config string, site Site) []string
	// Env is added to its environment.
	Env func(site Site) []string
}

// Can reports whether the peer serves all the wanted features.
func (p *Peer) Can(wanted Feature) bool { return p.Serves&wanted == wanted }

// Launch writes the peer's configuration and returns what to start.
func (p *Peer) Launch(program string, site Site, cpus proc.CPUs) (proc.Spec, error) {
	config := ""
	if p.Config != "" {
		config = filepath.Join(site.Scratch, p.Config)
		if err := p.render(config, site); err != nil {
			return proc.Spec{}, err
		}
	}
	spec := proc.Spec{
		Argv:   p.Command(program, config, site),
		Dir:    site.Scratch,
		CPUs:   cpus,
		Output: filepath.Join(site.Scratch, "output"),
	}
	if p.Env != nil {
		spec.Env = p.Env(site)
	}
	return spec, nil
}

func (p *Peer) render(path string, site Site) error {
	text, err := template.ParseFS(templates, p.Config)
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = text.Execute(file, struct {
		Site
		Setting string
	}{site, p.Setting})
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write the configuration of %s: %w", p.Name, err)
	}
	return nil
}

// Default is every peer there is, in the order in which reports show them.
func Default() []*Peer {
	return append(AnyGate("anygate", ""),
		nginx(), haproxy(), h2o(), lighttpd(), varnish(), caddy(), fasthttp(), floor())
}

// Names lists the names of peers.
func Names(peers []*Peer) []string {
	names := make([]string, len(peers))
	for i, peer := range peers {
		names[i] = peer.Name
	}
	return names
}

// installed looks for a program that the system's package manager provides.
func installed(name, debianPackage string) func(context.Context, Workshop) (string, error) {
	return func(context.Context, Workshop) (string, error) {
		path, err := proc.Look(name)
		if err != nil {
			return "", fmt.Errorf("%s is missing; on Debian: apt-get install %s", name, debianPackage)
		}
		return path, nil
	}
}

// goBuild builds a program of this module.
func goBuild(name, folder string) func(context.Context, Workshop) (string, error) {
	return func(ctx context.Context, shop Workshop) (string, error) {
		program := filepath.Join(shop.Bin, name)
		command := exec.CommandContext(ctx, "go", "build", "-o", program, folder)
		command.Dir = shop.Module
		if output, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build %s: %w: %s", folder, err, strings.TrimSpace(string(output)))
		}
		return program, nil
	}
}

// firstLine returns the line of a program's own words about itself that holds mark, without the words around it.
func firstLine(mark string, arguments ...string) func(context.Context, string) string {
	return func(ctx context.Context, program string) string {
		// Some print their version on standard error, and some leave with a status other than 0.
		output, _ := exec.CommandContext(ctx, program, arguments...).CombinedOutput()
		lines := strings.Split(string(output), "\n")
		i := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, mark) })
		if i < 0 {
			return "unknown"
		}
		return strings.TrimSpace(lines[i])
	}
}

func goVersion(text string) func(context.Context, string) string {
	return func(context.Context, string) string { return text + " with " + runtime.Version() }
}
