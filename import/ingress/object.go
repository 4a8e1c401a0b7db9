package ingress

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ingress is one object.
type ingress struct {
	file        string
	line        int
	namespace   string
	name        string
	class       string
	classLine   int
	annotations map[string]annotation
	order       []string // of annotations
	rules       []rule
	tls         []secure
	fallback    *backend // defaultBackend
}

// annotation is a value with the line of its key.
type annotation struct {
	value string
	line  int
}

type rule struct {
	host  string
	paths []path
	line  int
}

type path struct {
	text    string
	kind    string // Prefix, Exact, ImplementationSpecific
	backend backend
	line    int
}

type backend struct {
	service string
	port    string // a number, or a name
	line    int
}

type secure struct {
	hosts  []string
	secret string
	line   int
}

// objects are those of some files: Ingress objects, and the ports of services.
type objects struct {
	ingresses []*ingress
	ports     map[string]string // namespace/service/name: number
	other     []other
}

// other is an object that is not converted.
type other struct {
	file string
	line int
	what string
}

// read reads all documents of all files.
func read(files []string) (*objects, error) {
	o := &objects{ports: map[string]string{}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		d := yaml.NewDecoder(bytes.NewReader(text))
		for {
			var n yaml.Node
			err := d.Decode(&n)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, placed(file, err)
			}
			if len(n.Content) == 1 {
				if err := o.object(file, n.Content[0]); err != nil {
					return nil, err
				}
			}
		}
	}
	if len(o.ingresses) == 0 {
		return nil, errors.New("there is no Ingress of networking.k8s.io/v1 in the files")
	}
	return o, nil
}

// placed writes an error of YAML with the line in front, as all others are.
func placed(file string, err error) error {
	rest, ok := strings.CutPrefix(err.Error(), "yaml: line ")
	line, what, found := strings.Cut(rest, ": ")
	if !ok || !found {
		return fmt.Errorf("%s: %w", file, err)
	}
	return fmt.Errorf("%s:%s: this is no YAML: %s", file, line, what)
}

// object reads one object, or the items of a list.
func (o *objects) object(file string, n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return nil // An empty document.
	}
	kind, version := text(get(n, "kind")), text(get(n, "apiVersion"))
	switch {
	case kind == "List" || kind == "IngressList":
		for _, item := range items(get(n, "items")) {
			if err := o.object(file, item); err != nil {
				return err
			}
		}
	case kind == "Ingress" && version == "networking.k8s.io/v1":
		i := readIngress(file, n)
		if err := i.valid(); err != nil {
			return err
		}
		o.ingresses = append(o.ingresses, i)
	case kind == "Ingress":
		return fmt.Errorf("%s:%d: an Ingress of %s is older than Kubernetes 1.19; kubectl get ingress -o yaml gives networking.k8s.io/v1", file, n.Line, version)
	case kind == "Service":
		meta := get(n, "metadata")
		for _, p := range items(get(get(n, "spec"), "ports")) {
			o.ports[namespace(meta)+"/"+text(get(meta, "name"))+"/"+text(get(p, "name"))] = text(get(p, "port"))
		}
	case kind == "":
		return fmt.Errorf("%s:%d: this is no object of Kubernetes", file, n.Line)
	default:
		o.other = append(o.other, other{file, n.Line, kind + " " + text(get(get(n, "metadata"), "name"))})
	}
	return nil
}

var (
	label = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
	port  = regexp.MustCompile(`^[A-Za-z0-9-]{0,15}$`)
)

// valid reports names that no object of a cluster has, and that would mean something else in a configuration.
func (i *ingress) valid() error {
	wrong := func(line int, s string) error { return fmt.Errorf("%s:%d: %q is no name", i.file, line, s) }
	check := func(b backend) error {
		if b.service != "" && !label.MatchString(b.service) || !port.MatchString(b.port) {
			return wrong(b.line, b.service+":"+b.port)
		}
		return nil
	}
	if !label.MatchString(i.namespace) || !label.MatchString(i.name) {
		return wrong(i.line, i.namespace+"/"+i.name)
	}
	for _, s := range i.tls {
		if s.secret != "" && !label.MatchString(s.secret) {
			return wrong(s.line, s.secret)
		}
	}
	if i.fallback != nil {
		if err := check(*i.fallback); err != nil {
			return err
		}
	}
	for _, r := range i.rules {
		if r.host != "" && !label.MatchString(strings.TrimPrefix(r.host, "*.")) {
			return wrong(r.line, r.host)
		}
		for _, p := range r.paths {
			if err := check(p.backend); err != nil {
				return err
			}
		}
	}
	return nil
}

func readIngress(file string, n *yaml.Node) *ingress {
	meta, spec := get(n, "metadata"), get(n, "spec")
	i := &ingress{file: file, line: n.Line, namespace: namespace(meta), name: text(get(meta, "name")), annotations: map[string]annotation{}}
	if a := get(meta, "annotations"); a != nil && a.Kind == yaml.MappingNode {
		for k := 0; k+1 < len(a.Content); k += 2 {
			i.annotations[a.Content[k].Value] = annotation{a.Content[k+1].Value, a.Content[k].Line}
			i.order = append(i.order, a.Content[k].Value)
		}
	}
	if c := get(spec, "ingressClassName"); c != nil {
		i.class, i.classLine = c.Value, c.Line
	} else if a, ok := i.annotations["kubernetes.io/ingress.class"]; ok {
		i.class, i.classLine = a.value, a.line
	}
	for _, r := range items(get(spec, "rules")) {
		one := rule{host: text(get(r, "host")), line: r.Line}
		for _, p := range items(get(get(r, "http"), "paths")) {
			one.paths = append(one.paths, path{
				text: text(get(p, "path")), kind: text(get(p, "pathType")), backend: readBackend(get(p, "backend")), line: p.Line,
			})
		}
		i.rules = append(i.rules, one)
	}
	for _, s := range items(get(spec, "tls")) {
		one := secure{secret: text(get(s, "secretName")), line: s.Line}
		for _, h := range items(get(s, "hosts")) {
			one.hosts = append(one.hosts, h.Value)
		}
		i.tls = append(i.tls, one)
	}
	if b := get(spec, "defaultBackend"); b != nil {
		one := readBackend(b)
		i.fallback = &one
	}
	return i
}

func readBackend(n *yaml.Node) backend {
	b := backend{}
	if n == nil {
		return b
	}
	b.line = n.Line
	s := get(n, "service")
	b.service = text(get(s, "name"))
	port := get(s, "port")
	if b.port = text(get(port, "number")); b.port == "" {
		b.port = text(get(port, "name"))
	}
	return b
}

func namespace(meta *yaml.Node) string {
	if s := text(get(meta, "namespace")); s != "" {
		return s
	}
	return "default"
}

// get is the value of a key, or nil.
func get(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			v := n.Content[i+1]
			if v.Kind == yaml.AliasNode {
				v = v.Alias
			}
			return v
		}
	}
	return nil
}

func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}
