package config

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const schemaFile = "../docs/anygate.schema.json"

// TestSchemaIsCurrent compares the schema with the file that editors are pointed to.
func TestSchemaIsCurrent(t *testing.T) {
	got := Schema()
	if *update {
		if err := os.WriteFile(schemaFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what the readers read; 'go test ./config -run TestSchema -update' writes it", schemaFile)
	}
}

// TestSchemaHasAllKeys looks for the keys of the configuration that has one of each.
func TestSchemaHasAllKeys(t *testing.T) {
	var schema struct {
		Properties  map[string]any
		Definitions map[string]struct{ Properties map[string]any }
	}
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string]string{
		"route":         "to dir file answer redirect echo balance timeouts health breaker retry upgrade errors index spa listing symlinks use",
		"upstream":      "members balance health passive breaker panic slow-start limits keepalive resolve proxy-protocol tls protocol grpc-failures",
		"server":        "engine shards spin limits timeouts min-rate h2 trust",
		"server.limits": "request-line header-bytes header-fields body connections connections-per-address loop-latency buffers files",
		"tls":           "certificates default profile minimum ciphers groups clients tickets ocsp ech ktls hsts",
		"group":         "host prefix use proxy static errors routes",
	} {
		for key := range strings.SplitSeq(keys, " ") {
			if schema.Definitions[name].Properties[key] == nil {
				t.Errorf("%s has no %s", name, key)
			}
		}
	}
	for _, s := range []string{"listen", "upstreams", "routes", "groups", "use", "proxy", "static", "errors", "server", "log", "include", "tls"} {
		if schema.Properties[s] == nil {
			t.Errorf("the section %s is not there", s)
		}
	}
}

// TestDescriptionsAreOfKeys finds descriptions of keys that are no longer there.
func TestDescriptionsAreOfKeys(t *testing.T) {
	text := string(Schema())
	for path, about := range descriptions {
		quoted, err := json.Marshal(about)
		if err != nil {
			t.Fatal(err)
		}
		quoted = []byte(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(quoted)))
		if !strings.Contains(text, string(quoted)) {
			t.Errorf("%q is described, and the schema does not have it", path)
		}
	}
}
