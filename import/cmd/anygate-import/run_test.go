package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	complete := write("complete.conf", "server { listen 80; location / { return 200 hello; } }\n")
	incomplete := write("incomplete.conf", "server { listen 80; location / { fastcgi_pass php:9000; } }\n")
	broken := write("broken.conf", "server { listen 80;\n")
	empty := write("empty.conf", "events {}\n")
	result := filepath.Join(dir, "anygate.yml")
	for _, tt := range []struct {
		name        string
		args        []string
		code        int
		out, errors string
	}{
		{"complete", []string{"nginx", complete}, 0, "OK hello", "complete\n"},
		{"not complete", []string{"nginx", incomplete}, 1, "NOT_IMPLEMENTED", "incomplete.conf:1: not carried over: fastcgi_pass php:9000"},
		{"broken", []string{"nginx", broken}, 2, "", "broken.conf:2: "},
		{"no server", []string{"nginx", empty}, 2, "", "there is no server in it"},
		{"no file", []string{"nginx", filepath.Join(dir, "none")}, 2, "", "no such file"},
		{"into a file", []string{"nginx", complete, "-o", result}, 0, "", "complete"},
		{"not over a file", []string{"nginx", "-o", result, complete}, 2, "", "file exists"},
		{"nothing", nil, 2, "", "usage: anygate import nginx FILE"},
		{"help", []string{"--help"}, 0, "usage: anygate import nginx FILE", ""},
		{"help of one", []string{"nginx", "-h"}, 0, "usage: anygate import nginx FILE", ""},
		{"unknown", []string{"apache", complete}, 2, "", `"apache" is not understood`},
		{"unknown option", []string{"nginx", "--hard", complete}, 2, "", "-hard"},
		{"no name", []string{"nginx"}, 2, "", "name the file"},
		{"two of nginx", []string{"nginx", complete, incomplete}, 2, "", "one file of nginx"},
		{"no ingress", []string{"ingress", write("x.yml", "kind: Service\n")}, 2, "", "there is no Ingress"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(tt.args, &out, &errs); code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			if !strings.Contains(out.String(), tt.out) || !strings.Contains(errs.String(), tt.errors) {
				t.Errorf("output:\n%s\nerrors:\n%s", &out, &errs)
			}
		})
	}
	t.Run("JSON", func(t *testing.T) {
		var out, errs bytes.Buffer
		if code := run([]string{"nginx", "--json", incomplete}, &out, &errs); code != 1 {
			t.Errorf("exit %d", code)
		}
		var told struct {
			Complete bool
			Items    []struct {
				Level, File, What, Why string
				Line                   int
			}
		}
		if err := json.Unmarshal(errs.Bytes(), &told); err != nil || told.Complete || len(told.Items) != 1 || told.Items[0].Line != 1 || told.Items[0].Level != "not carried over" {
			t.Errorf("%v: %s", err, &errs)
		}
	})
}
