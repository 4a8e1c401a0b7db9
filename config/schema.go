package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Schema returns the JSON Schema (draft 7) of the configuration, for editors. It is taken from the readers themselves:
// they are run with nodes that stand for no value and record what would be read, so that a key cannot be in one and not
// in the other. What a schema cannot say, such as which pools there are, only Load finds out.
func Schema() []byte {
	l := newLoader(Options{})
	l.cfg = &Config{Server: defaultServer(), Log: defaultLog(), TLS: defaultTLS(Pos{})}
	l.defaults, l.cfg.Pool = defaultRoute(), defaultPool()
	l.objects = map[string]*probedMapping{}

	top := map[string]any{}
	for _, s := range sections() {
		p := &probe{}
		p.read(func(key, v *node) {
			switch {
			case v.refers(byHand[s.key]):
			default:
				s.read(l, key, v)
			}
		})
		if schema := l.schemaOf(p); schema != nil {
			top[s.key] = described(s.key, schema)
		}
	}
	definitions := l.handmade()
	for name, o := range l.objects {
		definitions[name] = l.schemaOfObject(name, o)
	}
	keepReferred(top, definitions)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	// A map of strings, numbers and maps of them can always be written.
	_ = e.Encode(map[string]any{
		"$schema": "http://json-schema.org/draft-07/schema#", "title": "AnyGate",
		"description": "The configuration of AnyGate. Generated from its source by \"anygate schema\".",
		"type":        "object", "additionalProperties": false, "properties": top, "definitions": definitions,
	})
	return b.Bytes()
}

// keepReferred drops the definitions that nothing refers to, such as those of sections that this version refuses.
func keepReferred(top, definitions map[string]any) {
	for dropped := true; dropped; {
		dropped = false
		text, _ := json.Marshal([]any{top, definitions})
		for name := range definitions {
			if !bytes.Contains(text, []byte(`"#/definitions/`+name+`"`)) {
				delete(definitions, name)
				dropped = true
			}
		}
	}
}

// byHand are the sections whose keys are names, and the definitions that describe them.
var byHand = map[string]string{"routes": "routes", "groups": "groups", "upstreams": "upstreams", "errors": "errors", "include": "include"}

// handmade describes mappings of names, whose readers go by what is in the file.
func (l *loader) handmade() map[string]any {
	pool, group, action := &probe{}, &probe{}, &probe{}
	pool.read(func(key, v *node) {
		if v.shape == mapping {
			l.readUpstream(&Upstream{Pool: l.cfg.Pool}, key, v)
		} else {
			l.readMembers(&Upstream{}, v)
		}
	})
	group.read(func(key, v *node) {
		if v.shape == mapping {
			l.group(key, v)
		}
	})
	action.read(func(_, v *node) {
		switch v.shape {
		case mapping:
			l.fullForm(&draft{}, v)
		case scalar:
			v.probed(actionForms...)
		case list:
		}
	})
	named := func(pattern string, p *probe) map[string]any {
		return map[string]any{"type": "object", "propertyNames": map[string]any{"pattern": pattern}, "additionalProperties": l.schemaOf(p)}
	}
	return map[string]any{
		"routes":    named(headPattern, action),
		"groups":    named(".", group),
		"upstreams": named(`^[A-Za-z0-9][A-Za-z0-9._-]*$|\$\{`, pool),
		"errors": map[string]any{
			"type": "object", "additionalProperties": false,
			"patternProperties": map[string]any{`^([45][0-9][0-9]|4xx|5xx)$|\$\{`: described("errors.page", anyText)},
			"properties":        map[string]any{"intercept": described("errors.intercept", anyOf(wordForms("on", "off", "true", "false")))},
		},
		"include":  anyOf([]form{anyText, {"type": "array", "items": anyText}}),
		"variable": variable,
	}
}

// probedMapping is a mapping with fixed keys.
type probedMapping struct {
	where  string
	fields map[string]*probe
}

// schemaOfObject describes an object. Keys that this version refuses are not there.
func (l *loader) schemaOfObject(name string, o *probedMapping) map[string]any {
	properties := map[string]any{}
	for key, p := range o.fields {
		if schema := l.schemaOf(p); schema != nil {
			properties[key] = described(name+"."+key, schema)
		}
	}
	schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	maps.Copy(schema, demands[name])
	return schema
}

// schemaOf describes what a value may be, or returns nil for one that this version refuses.
func (l *loader) schemaOf(p *probe) map[string]any {
	if p.refused {
		return nil
	}
	forms := slices.Clone(p.forms)
	if p.items != nil {
		if items := l.schemaOf(p.items); items != nil {
			forms = append(forms, form{"type": "array", "items": items})
		}
	}
	if len(forms) == 0 {
		// Readers that want one of several keys do not come to read the others.
		return maps.Clone(anyText)
	}
	return anyOf(forms)
}

// anyOf joins forms: words become one list, and where a string has not just any form a variable may stand for it.
func anyOf(forms []form) map[string]any {
	var out []any
	var words []any
	free, scalars := false, false
	seen := map[string]bool{}
	for _, f := range forms {
		text, _ := json.Marshal(f)
		if seen[string(text)] {
			continue
		}
		seen[string(text)] = true
		_, patterned := f["pattern"]
		switch {
		case f["const"] != nil:
			words = append(words, f["const"])
			scalars = true
			continue
		case f["$ref"] != nil, f["type"] == "array", f["type"] == "object":
		case f["type"] == "integer":
			scalars = true
		case !patterned:
			free = true
		}
		out = append(out, f)
	}
	if words != nil {
		out = slices.Insert(out, 0, any(form{"enum": words}))
	}
	if scalars && !free {
		out = append(out, form{"$ref": "#/definitions/variable"})
	}
	if len(out) == 1 {
		return out[0].(form)
	}
	return map[string]any{"anyOf": out}
}

// described adds what editors show beside a key.
func described(path string, schema map[string]any) map[string]any {
	about := descriptions[path]
	if object, key, found := strings.Cut(path, "."); about == "" && found {
		about = descriptions[sameAs[object]+"."+key]
	}
	if about == "" {
		return schema
	}
	schema = maps.Clone(schema)
	// Beside $ref, draft 7 ignores everything else.
	if ref, ok := schema["$ref"]; ok {
		delete(schema, "$ref")
		schema["allOf"] = []any{form{"$ref": ref}}
	}
	schema["description"] = about
	return schema
}

// definitionName makes the name of a definition of what messages call a mapping.
func definitionName(where string) string {
	where = strings.TrimPrefix(where, "the ")
	return strings.ReplaceAll(strings.ReplaceAll(where, "'s", ""), " ", "-")
}
