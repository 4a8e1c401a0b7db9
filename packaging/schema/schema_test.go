package schema

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/anygate/anygate/config"
)

const root = "../.."

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	if err := c.AddResource("anygate.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("anygate.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// decoded is a configuration as an editor sees it: keys are strings.
func decoded(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return asJSON(v)
}

func asJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = asJSON(e)
		}
		return out
	case map[any]any:
		out := map[string]any{}
		for k, e := range v {
			out[fmt.Sprint(k)] = asJSON(e)
		}
		return out
	case []any:
		for i := range v {
			v[i] = asJSON(v[i])
		}
	}
	return v
}

var block = regexp.MustCompile("(?ms)^```yaml[^\n]*\n(.*?)^```")

// examples are everything that the reader of configurations takes, by its name: its own examples, those of all pages, and
// what the importers make. Only what the program takes is to be taken by the schema; a file that is refused for its
// surroundings is not.
func examples(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	check := func(name, text string) {
		if _, ds := config.Parse(name, []byte(text), config.Options{LookupEnv: os.LookupEnv}); len(ds) == 0 {
			found[name] = text
		}
	}
	for _, pattern := range []string{"config/testdata/valid/*.yml", "config/testdata/warnings/*.yml", "cmd/anygate/demo/site/*.yml", "packaging/files/*.yml", "bench/*/*.yml", "import/testdata/*/*/*.yml"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			check(f, string(text))
		}
	}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/recipes/*.md"} {
		pages, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range block.FindAllStringSubmatch(string(text), -1) {
				if strings.HasPrefix(strings.TrimLeft(m[1], "#- "), "apiVersion") {
					continue
				}
				check(fmt.Sprintf("%s, example %d", page, i+1), m[1])
			}
		}
	}
	if len(found) < 60 {
		t.Errorf("there are %d examples, there should be more", len(found))
	}
	return found
}

func TestExamples(t *testing.T) {
	s := compiled(t)
	for name, text := range examples(t) {
		if err := s.Validate(decoded(t, text)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// TestChartConfigurations reads the configurations that the chart has in its values.
func TestChartConfigurations(t *testing.T) {
	s := compiled(t)
	for _, name := range []string{"values.yaml", "ci/full-values.yaml"} {
		text, err := os.ReadFile(filepath.Join(root, "deploy/helm/anygate", name))
		if err != nil {
			t.Fatal(err)
		}
		var values struct{ Config string }
		if err := yaml.Unmarshal(text, &values); err != nil || values.Config == "" {
			t.Fatalf("%s has the configuration %q, %v", name, values.Config, err)
		}
		if _, ds := config.Parse(name, []byte(values.Config), config.Options{}); len(ds) > 0 {
			t.Errorf("%s: %s", name, ds)
		}
		if err := s.Validate(decoded(t, values.Config)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// mistakes are what the reader refuses, and the schema can know of.
var mistakes = []string{
	"listn: :80\nroutes: {/: OK}",
	"listen: 8080\nroutes: {/: OK}",
	"listen: localhost\nroutes: {/: OK}",
	"listen: :80 ssl\nroutes: {/: OK}",
	"routes: [/: OK]",
	"routes: {healthz: OK}",
	"routes: {/: FORBIDEN}",
	"routes: {/: 600}",
	"routes: {/: dist}",
	"routes: {/: true}",
	"routes: {/: ftp://x}",
	"routes: {/: {}}",
	"routes: {/: {to: http://x, dir: ./y}}",
	"routes: {/: {to: http://x, balanse: p2c}}",
	"routes: {/: {to: http://x, retry: 11}}",
	"routes: {/: {to: http://x, retry: {on: [nothing]}}}",
	"routes: {/: {to: http://x, timeouts: {connect: 5}}}",
	"routes: {/: {to: http://x, health: {rise: 0}}}",
	"routes: {/: {to: http://x, breaker: 0.5}}",
	"routes: {/: {dir: dist}}",
	"routes: {/: {dir: ./dist, spa: maybe}}",
	"routes: {/: {answer: OK, use: [limt 1/s]}}",
	"use: [limit 1/s, unknown]\nroutes: {/: OK}",
	"use: {limit: 1/s}\nroutes: {/: OK}",
	"upstreams: {x: {balance: p2c}}\nroutes: {/: http://x}",
	"upstreams: {x: 10.0.0.1/path}\nroutes: {/: http://x}",
	"upstreams: {x: {members: [{weight: 3}]}}\nroutes: {/: http://x}",
	"upstreams: {x: {members: a, protocol: http3}}\nroutes: {/: http://x}",
	"upstreams: {x: {members: a, limits: {connections: -1}}}\nroutes: {/: http://x}",
	"groups: {g: {prefix: /x}}\nroutes: {/: OK}",
	"server: {engine: kqueue}\nroutes: {/: OK}",
	"server: {shards: 0}\nroutes: {/: OK}",
	"server: {limits: {body: large}}\nroutes: {/: OK}",
	"server: {spin: 50}\nroutes: {/: OK}",
	"server: {min-rate: {body: 500}}\nroutes: {/: OK}",
	"tls: {minimum: 1.1}\nroutes: {/: OK}",
	"tls: {certificates: [{key: x}]}\nroutes: {/: OK}",
	"tls: {ech: {keys: x}}\nroutes: {/: OK}",
	"errors: {200: ./x}\nroutes: {/: OK}",
	"log: {acces: stdout}\nroutes: {/: OK}",
	"include: {a: b}\nroutes: {/: OK}",
}

// TestMistakes wants what the reader refuses to be marked in an editor, too.
func TestMistakes(t *testing.T) {
	s := compiled(t)
	for _, text := range mistakes {
		if _, ds := config.Parse("mistake.yml", []byte(text), config.Options{}); len(ds) == 0 {
			t.Errorf("the reader takes:\n%s", text)
		}
		if err := s.Validate(decoded(t, text)); err == nil {
			t.Errorf("the schema takes:\n%s", text)
		}
	}
}

// TestEditorsAreTold looks for the line by which yaml-language-server finds the schema.
func TestEditorsAreTold(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "packaging", "files", "anygate.yml"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	if first != "# yaml-language-server: $schema=/usr/share/anygate/anygate.schema.json" {
		t.Errorf("the first line is %q", first)
	}
}
