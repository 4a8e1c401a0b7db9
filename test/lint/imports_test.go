package lint

import (
	"slices"
	"strings"
	"testing"
)

// house is the order of the folders, from the top to the bottom: a package imports only what stands below it. Folders of
// one line know nothing of each other. docs/internals/README.md explains the order.
var house = [][]string{
	{"test"},
	{"cmd"},
	{"control"},
	{"config"},
	{"tuning"},
	{"bench"},
	{"pack"},
	{"gateway"},
	{"policy"},
	{"static", "proxy"},
	{"route"},
	{"h2"},
	{"http1"},
	{"tlsedge"},
	{"engine"},
	{"uring", "epoll"},
	{"telemetry"},
}

func level(folder string) int {
	return slices.IndexFunc(house, func(folders []string) bool { return slices.Contains(folders, folder) })
}

func TestImportsPointDownwards(t *testing.T) {
	for _, p := range packages(t) {
		from := level(p.folder())
		if from < 0 {
			t.Errorf("%s: the folder %q has no place in the house", p.ImportPath, p.folder())
			continue
		}
		for _, imported := range p.Imports {
			if imported != module && !strings.HasPrefix(imported, module+"/") {
				continue
			}
			to := folderOf(imported)
			if to != p.folder() && level(to) <= from {
				t.Errorf("%s imports %s, which does not stand below it", p.ImportPath, imported)
			}
		}
	}
}

// forbidden lists what a folder must not import although it stands below everything: the doors to the world.
var forbidden = map[string][]string{
	// Codecs, matcher and policies are functions of bytes and values.
	"http1":   {"net", "net/http", "os", "syscall", "sync", "golang.org/x/sys/unix"},
	"h2":      {"net", "net/http", "os", "syscall", "sync", "golang.org/x/sys/unix"},
	"route":   {"net", "net/http", "os", "syscall", "sync", "time", "golang.org/x/sys/unix"},
	"policy":  {"net", "net/http", "os", "syscall", "sync", "golang.org/x/sys/unix"},
	"config":  {"net", "net/http", "syscall", "golang.org/x/sys/unix"},
	"gateway": {"net", "net/http", "os", "syscall", "sync", "golang.org/x/sys/unix"},
	"proxy":   {"net", "net/http", "os", "syscall", "sync"},
	"static":  {"net", "net/http", "sync"},
}

func TestSansIO(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			if slices.Contains(forbidden[p.folder()], imported) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

// TestDependencies lists every module that the product itself, not its tests and tools, may link.
func TestDependencies(t *testing.T) {
	allowed := map[string][]string{
		"go.yaml.in/yaml/v3":                   {"config", "tuning"},
		"golang.org/x/net/dns/dnsmessage":      {"control"},
		"golang.org/x/crypto/bcrypt":           {"policy"},
		"golang.org/x/crypto/chacha20poly1305": {"tlsedge"},
		"golang.org/x/crypto/ocsp":             {"control"},
		"golang.org/x/sys/unix":                {"tlsedge", "engine", "uring", "epoll", "static", "control", "proxy", "bench", "pack", "tuning"},
		"github.com/valyala/fasthttp":          {"bench"},
		"github.com/cloudflare/circl/oprf":     {"policy"},
		// Of control, only its package bundle.
		"github.com/cloudflare/circl/sign/mldsa/mldsa65":            {"control"},
		"github.com/prometheus/client_golang/prometheus":            {"control"},
		"github.com/prometheus/client_golang/prometheus/collectors": {"control"},
		"github.com/prometheus/client_golang/prometheus/promhttp":   {"control"},
		// Of control, only its package top.
		"charm.land/bubbletea/v2": {"control"},
		// Of static, only its package encoder; see TestEncodersStayTogether.
		"github.com/andybalholm/brotli":      {"static"},
		"github.com/klauspost/compress/gzip": {"static"},
		"github.com/klauspost/compress/zstd": {"static"},
		// Of control, only its package traces.
		"go.opentelemetry.io/otel/attribute":                {"control"},
		"go.opentelemetry.io/otel/codes":                    {"control"},
		"go.opentelemetry.io/otel/trace":                    {"control"},
		"go.opentelemetry.io/otel/sdk":                      {"control"},
		"go.opentelemetry.io/otel/sdk/instrumentation":      {"control"},
		"go.opentelemetry.io/otel/sdk/resource":             {"control"},
		"go.opentelemetry.io/otel/sdk/trace":                {"control"},
		"go.opentelemetry.io/otel/exporters/otlp/otlptrace": {"control"},
		"go.opentelemetry.io/proto/otlp/trace/v1":           {"control"},
		"google.golang.org/protobuf/proto":                  {"control"},
		"google.golang.org/protobuf/encoding/protowire":     {"control"},
	}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") || strings.HasPrefix(imported, module) || p.folder() == "test" {
				continue
			}
			if !slices.Contains(allowed[imported], p.folder()) {
				t.Errorf("%s imports %s, which docs/DEPENDENCIES.md does not grant it", p.ImportPath, imported)
			}
		}
	}
}

// TestEncodersStayTogether wants the modules that compress behind one package, so that all of the product codes with the
// same settings, and its data plane links none of them by itself.
func TestEncodersStayTogether(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			encodes := strings.HasPrefix(imported, "github.com/andybalholm/") || strings.HasPrefix(imported, "github.com/klauspost/")
			if encodes && p.ImportPath != module+"/static/encoder" {
				t.Errorf("%s imports %s itself", p.ImportPath, imported)
			}
		}
		if p.ImportPath == module+"/static" && slices.Contains(p.Imports, module+"/static/encoder") {
			t.Errorf("%s compresses", p.ImportPath)
		}
	}
}
