package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestListOfParts has the list of parts read by the library of CycloneDX, and compares it with the schema of its format.
func TestListOfParts(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(made.out, "anygate.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	// The name by which lists of vulnerabilities know the standard library.
	found := false
	for _, c := range *bom.Components {
		found = found || strings.HasPrefix(c.PackageURL, "pkg:golang/stdlib@1.")
	}
	if !found {
		t.Error("the standard library is not among the parts")
	}

	dir := strings.TrimSpace(output(t, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go"))
	c := jsonschema.NewCompiler()
	for id, name := range map[string]string{"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json"} {
		file, err := os.Open(filepath.Join(dir, "schema", name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		doc, err := jsonschema.UnmarshalJSON(file)
		if err == nil {
			err = c.AddResource("http://cyclonedx.org/schema/"+id, doc)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	schema, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	list, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(list); err != nil {
		t.Error(err)
	}
}
