package route

import (
	"fmt"
	"testing"
)

// benchRoutes is the size of the tables that are measured.
const benchRoutes = 10_000

// benchmarkMatch asks for every path in turn, in an order that visits the table
// far apart, so that its cache misses are counted too.
func benchmarkMatch(b *testing.B, heads []string, hosts, paths []string) {
	table := routes(b, heads...)
	method := []byte("GET")
	asked := make([][]byte, len(paths))
	named := make([][]byte, len(paths))
	for i := range paths {
		j := i * 7919 % len(paths)
		asked[i] = []byte(paths[j])
		named[i] = []byte(hosts[j%len(hosts)])
	}
	var m Match
	for i := range asked {
		if got := table.Match(method, named[i], asked[i], &m); got != Found {
			b.Fatalf("%s%s: %v", named[i], asked[i], got)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i, n := 0, 0; n < b.N; n++ {
		table.Match(method, named[i], asked[i], &m)
		if i++; i == len(asked) {
			i = 0
		}
	}
}

func BenchmarkMatchLiterals(b *testing.B) {
	var heads, paths []string
	for i := range benchRoutes {
		path := fmt.Sprintf("/api/v%d/service-%d/resource-%d/action", i%3, i%97, i)
		heads, paths = append(heads, "GET "+path), append(paths, path)
	}
	benchmarkMatch(b, heads, []string{"example.com"}, paths)
}

func BenchmarkMatchParams(b *testing.B) {
	var heads, paths []string
	for i := range benchRoutes {
		heads = append(heads, fmt.Sprintf("GET /api/:tenant/service-%d/:id/resource-%d/:item", i%97, i))
		paths = append(paths, fmt.Sprintf("/api/tenant-%d/service-%d/%d/resource-%d/%d", i%1000, i%97, i*31, i, i*17))
	}
	benchmarkMatch(b, heads, []string{"example.com"}, paths)
}

func BenchmarkMatchPrefixes(b *testing.B) {
	var heads, paths []string
	for i := range benchRoutes {
		heads = append(heads, fmt.Sprintf("/team-%d/app-%d/", i%211, i))
		paths = append(paths, fmt.Sprintf("/team-%d/app-%d/static/js/main.js", i%211, i))
	}
	benchmarkMatch(b, heads, []string{"example.com"}, paths)
}

// BenchmarkMatchBacktracking takes the wrong way at every one of three segments.
func BenchmarkMatchBacktracking(b *testing.B) {
	var heads, paths []string
	for i := range benchRoutes / 2 {
		heads = append(heads, fmt.Sprintf("/a/b/c/leaf-%d", i), fmt.Sprintf("/:x/b/c/item-%d", i))
		paths = append(paths, fmt.Sprintf("/a/b/c/item-%d", i))
	}
	benchmarkMatch(b, heads, []string{"example.com"}, paths)
}

func BenchmarkMatchHosts(b *testing.B) {
	var heads, hosts, paths []string
	for i := range benchRoutes {
		heads = append(heads, fmt.Sprintf("host-%d.example.com/api/", i))
		hosts = append(hosts, fmt.Sprintf("host-%d.example.com:8443", i))
		paths = append(paths, "/api/users/42")
	}
	benchmarkMatch(b, heads, hosts, paths)
}

func BenchmarkMatchWildcardHosts(b *testing.B) {
	var heads, hosts, paths []string
	for i := range benchRoutes {
		heads = append(heads, fmt.Sprintf("*.tenant-%d.example.com/api/", i))
		hosts = append(hosts, fmt.Sprintf("WWW.eu.tenant-%d.example.com", i))
		paths = append(paths, "/api/users/42")
	}
	benchmarkMatch(b, heads, hosts, paths)
}

func BenchmarkMatchSmall(b *testing.B) {
	heads := []string{"/", "/api/", "/ping", "GET /healthz", "GET POST PATCH /mock/rude", "GET /old/*", "admin.example.com/"}
	benchmarkMatch(b, heads, []string{"example.com"}, []string{"/ping", "/healthz", "/api/users/42", "/index.html", "/mock/rude"})
}

func BenchmarkAppendAllow(b *testing.B) {
	table := routes(b, "PUT /a/b", "DELETE GET /a/:x", "POST /a/*")
	host, path := []byte("example.com"), []byte("/a/b")
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		table.AppendAllow(dst, host, path)
	}
}

func BenchmarkBuild(b *testing.B) {
	var heads []Head
	for i := range benchRoutes {
		heads = append(heads, mustHead(b, fmt.Sprintf("GET /api/v%d/service-%d/:id/resource-%d", i%3, i%97, i)))
	}
	for b.Loop() {
		var builder Builder
		for i, h := range heads {
			builder.Add(h, uint32(i))
		}
		builder.Build()
	}
}
