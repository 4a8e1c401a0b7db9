package nginx_test

import (
	"strings"
	"testing"
)

// TestWitness are servers of which a route answers what nginx keeps clients from, in ways that no other rule looks for: the
// location that does not get its requests is not carried over, and the report says by which path that is seen.
func TestWitness(t *testing.T) {
	for _, tt := range []struct {
		name, from string
		at         string // the location that is reported, or "" if none is
		path       string
	}{
		{
			name: "a longer path goes before an expression about one segment",
			from: `location /c { return 200 c; } location ~ ^/[^/]+$ { return 302 /login; } location / { return 404; }`,
			at:   `location ~ ^/[^/]+$ {...}`, path: "/c",
		},
		{
			name: "a second segment that is a word",
			from: `location ~ ^/\w+/c$ { return 302 /login; } location ~ ^/a/.* { return 200 a; } location / { return 200 all; }`,
			at:   `location ~ ^/\w+/c$ {...}`, path: "/a/c",
		},
		{
			name: "another case",
			from: `location ^~ /b/ { return 200 b; } location ~* ^/b/ { return 403; } location / { return 200 all; }`,
			at:   `location ~* ^/b/ {...}`, path: "/B/",
		},
		{
			name: "a password that all are asked for but one",
			from: `auth_basic x; auth_basic_user_file /p; location /c { auth_basic off; proxy_pass http://10.0.0.1; } location ~ ^/[^/]+$ { proxy_pass http://10.0.0.2; } location / { return 404; }`,
			at:   `location ~ ^/[^/]+$ {...}`, path: "/c",
		},
		{name: "one that keeps back as much", from: `location /c { return 401; } location ~ ^/[^/]+$ { return 403; } location / { return 404; }`},
		{name: "the same password", from: `auth_basic x; auth_basic_user_file /p; location /c { proxy_pass http://10.0.0.1; } location /c/d/ { return 200 d; } location / { proxy_pass http://10.0.0.1; }`},
		{name: "a directory that is open to all", from: `root /srv; auth_basic x; auth_basic_user_file /p; location /public/ { auth_basic off; } location / { try_files $uri =404; }`},
		{name: "the same, with no other location", from: `root /srv; auth_basic x; auth_basic_user_file /p; location /public/ { auth_basic off; }`},
		{name: "what is answered before a password is asked for", from: `location / { auth_basic x; auth_basic_user_file /p; location /c { return 200 c; } } location ~ ^/[^/]+$ { return 200 all; }`},
		{name: "a page that has moved", from: `location ^~ /old/firm/ { return 200 firm; } location ~ ^/old/ { return 410; } location / { return 200 all; }`},
		{name: "what is rewritten elsewhere", from: `location / { rewrite ^/old$ /new redirect; return 200 all; } location /x/ { return 200 x; }`},
		{name: "an expression that is not known", from: `location /a/ { return 403; } location ~ /\.(?!well-known) { deny all; } location / { root /srv; }`},
		{name: "files that begin with a dot", from: `location ~ /\.git { deny all; } location / { root /srv; }`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := conversion{from: "server { listen 80; proxy_set_header Host $host;\n" + tt.from + "\n}"}
			if tt.at != "" {
				c.report = []string{"nginx.conf:" + line(tt.from, tt.at) + ": not carried over: " + tt.at}
			}
			told := c.told(t)
			if begins := "A request for " + tt.path; tt.at != "" && !strings.Contains(told, begins) || tt.at == "" && strings.Contains(told, "A request for ") {
				t.Errorf("%q is missing in the report, or is there:\n%s", begins, told)
			}
		})
	}
}

// line is where a location stands.
func line(from, at string) string {
	before, _, _ := strings.Cut(from, strings.TrimSuffix(at, "{...}"))
	return string(rune('2' + strings.Count(before, "\n")))
}
