package nginx_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anygate/anygate/import/nginx"
)

// TestAnswers are what a configuration answers with by itself.
func TestAnswers(t *testing.T) {
	for _, tt := range []conversion{
		{
			name:   "a line feed",
			from:   `server { listen 80; location = /a { return 200 "ok\n"; } location = /b { return 200 "a\"b\\c"; } location = /c { return 200 "a\nb"; } }`,
			routes: []string{`"/a": OK ok`, `"/b": 'OK a"b\c'`, `"/c": "OK a\nb"`},
			report: []string{"The line feed at the end is left out."},
		},
		{
			name: "statuses without what belongs to them",
			from: `server { listen 80; location = /a { return 301; } location = /b { return 204 text; } location = /c { return 304; } location = /d { return 300 x; } location = /e { return 305 /x; } }`,
			routes: []string{
				`"/a": NOT_IMPLEMENTED`, `"/b": NO_CONTENT`, `"/c": NOT_MODIFIED`, `"/d": NOT_IMPLEMENTED`, `"/e": NOT_IMPLEMENTED`,
			},
		},
		{
			name: "the query of a redirect to one place",
			from: `server { listen 80;
				location = /a { return 301 /new$is_args$args; }
				location = /b { rewrite ^ /new permanent; }
				location = /c { rewrite ^ /new? permanent; }
				location = /d { return 301 /new; }
			}`,
			report: []string{
				"nginx.conf:2: differs: return 301 /new$is_args$args", "nginx.conf:3: differs: rewrite ^ /new permanent", "!nginx.conf:4: differs: rewrite ^ /new? permanent",
				"complete: 2 differ",
			},
		},
		{
			name: "keys of a map that are no paths",
			from: `map $request_uri $to { default ""; volatile; old /new; /a /b; ~^/x/(.*)$ /y/$1; }
			server { listen 80; if ($to) { return 301 $to; } location / { return 200 x; } }`,
			routes: []string{`"/a": MOVED /b`, `"/x/*": MOVED /y/*`},
			report: []string{"The redirect of old has no counterpart.", "!The redirect of volatile has no counterpart.", "The query of the request is kept."},
		},
		{
			name:   "a page with another status",
			from:   `server { listen 80; root /srv; error_page 403 404 =404 /404.html; error_page 500 =500 /500.html; }`,
			routes: []string{`errors: {500: /srv/500.html}`, `"/": /srv`},
			report: []string{"nginx.conf:1: not carried over: error_page 403 404 =404 /404.html"},
		},
		{
			name: "Lua",
			from: `server { listen 80;
				location /a/ { access_by_lua_block { if ngx.var.x == "}" then ngx.exit(403) end } proxy_pass http://10.0.0.1; }
				location /b/ { proxy_pass http://10.0.0.2; }
				location /c/ { log_by_lua_block { x() } proxy_pass http://10.0.0.2; }
			}`,
			routes: []string{`"/a/": NOT_IMPLEMENTED`, `"/b/": http://10.0.0.2`, `"/c/": http://10.0.0.2`},
			report: []string{`nginx.conf:4: not carried over: log_by_lua_block " x() "`},
		},
		{
			name:   "what only an upstream leads to",
			from:   `server { listen 80; location / { proxy_pass http://10.0.0.1; } location /protected/ { internal; alias /srv/files/; } }`,
			routes: []string{`"/protected/": NOT_FOUND`},
			report: []string{"nginx.conf:1: not carried over: location /protected/ {...}"},
		},
	} {
		t.Run(tt.name, tt.check)
	}
}

// TestFiles are directories and files.
func TestFiles(t *testing.T) {
	for _, tt := range []conversion{
		{
			name: "an alias of the location around",
			from: `server { listen 80; root /srv;
				location /files/ { alias /data/; location /files/private/ { auth_basic x; auth_basic_user_file htpasswd; } location /files/public/ { root /pub; } }
			}`,
			routes: []string{`"/files/": /data/`, `"/files/public/": /pub/files/public`},
		},
		{
			name: "a page for maintenance, and an application",
			from: `server { listen 80; root /srv;
				location / { try_files /maintenance.html @app; }
				location /b/ { try_files "" @app; }
				location @app { proxy_pass http://10.0.0.1; }
			}`,
			routes: []string{`"/": http://10.0.0.1`, `"/b/": http://10.0.0.1`},
			report: []string{"nginx.conf:2: differs: try_files /maintenance.html @app"},
		},
		{
			name:   "a directory without its index",
			from:   `server { listen 80; root /srv; location / { try_files $uri =404; } }`,
			routes: []string{`"/": /srv`},
			report: []string{"nginx.conf:1: differs: try_files $uri =404"},
		},
	} {
		t.Run(tt.name, tt.check)
	}
}

// TestUpstreams are what upstreams are asked for.
func TestUpstreams(t *testing.T) {
	for _, tt := range []conversion{
		{
			name: "the query",
			from: `server { listen 80; proxy_set_header Host $host;
				location ~ ^/a/(.*)$ { proxy_pass http://10.0.0.1/$1$is_args$args; }
				location ~ ^/b/(.*)$ { proxy_pass http://10.0.0.1/$1; }
				location /c/ { proxy_pass http://10.0.0.1/x/?y=1; }
			}`,
			routes: []string{`"/a/*": http://10.0.0.1/`, `"/b/*": http://10.0.0.1/`, `"/c/": http://10.0.0.1/x/`},
			report: []string{"!nginx.conf:2: differs: proxy_pass http://10.0.0.1/$1$is_args$args", "nginx.conf:3: differs: proxy_pass http://10.0.0.1/$1", "nginx.conf:4: not carried over: proxy_pass http://10.0.0.1/x/?y=1"},
		},
		{
			name: "the name that is asked for with TLS",
			from: `upstream app.internal { server 10.0.0.1:443; }
			server { listen 80; server_name www.example.com; proxy_set_header Host $host; proxy_ssl_server_name on;
				location /a/ { proxy_pass https://app.internal; }
				location /b/ { proxy_pass https://10.0.0.2; proxy_ssl_name $host; }
				location /c/ { proxy_pass https://10.0.0.3; proxy_ssl_name $arg_x; }
				location /d/ { proxy_pass https://10.0.0.4; proxy_ssl_name d.internal; }
			}`,
			routes: []string{
				`app.internal: {members: 10.0.0.1:443, tls: {verify: off, server-name: app.internal}}`, `"10.0.0.2": {members: 10.0.0.2:443, tls: {verify: off, server-name: www.example.com}}`,
				`"10.0.0.4": {members: 10.0.0.4:443, tls: {verify: off, server-name: d.internal}}`,
			},
			report: []string{"nginx.conf:5: not carried over: proxy_ssl_name $arg_x"},
		},
		{
			name: "a break, and what nobody comes to",
			from: `server { listen 80; proxy_set_header Host $host;
				location /a/ { break; rewrite ^ /x last; return 403; proxy_pass http://10.0.0.1; }
				location /b/ { rewrite ^ /t break; proxy_pass http://10.0.0.1; }
			}`,
			routes: []string{`"/a/": http://10.0.0.1`, `"/b/": NOT_IMPLEMENTED`},
		},
	} {
		t.Run(tt.name, tt.check)
	}
}

// TestComments are those that are kept.
func TestComments(t *testing.T) {
	const from = "# Of the distribution.\n\n##\n# Everything is here.\n##\n# server { }\nserver {\n  listen 80; # plain\n  # Shop, of team X.\n  location /shop/ { return 200 shop; }\n  location /x/ { return 200 x; }\n}\n"
	file := filepath.Join(t.TempDir(), "nginx.conf")
	if err := os.WriteFile(file, []byte(from), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := nginx.Convert(file, nginx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := "routes:\n  # Everything is here.\n  # Shop, of team X.\n  \"/shop/\": OK shop  # " + file + ":10\n  \"/x/\":    OK x  # " + file + ":11\n"
	if !strings.Contains(r.YAML, want) || strings.Contains(r.YAML, "plain") {
		t.Errorf("the result is\n%s\nwanted\n%s", r.YAML, want)
	}
}

// TestPages are the ways to say that a page stands for all that is not there.
func TestPages(t *testing.T) {
	for _, tt := range []conversion{
		{
			name:   "with another status",
			from:   `server { listen 80; root /srv; error_page 404 =200 /index.html; location /app/ { error_page 404 = /app/index.html; } location /other/ { error_page 404 =200 /index.html; } }`,
			routes: []string{`"/": {dir: /srv, spa: on}`, `"/app/": {dir: /srv/app, spa: on}`, `"/other/": /srv/other`},
			report: []string{"not complete: 1 not carried over, 2 differ"},
		},
		{
			name: "by a condition",
			from: `server { listen 80; root /srv;
				location / { if (!-e $request_filename) { rewrite ^(.*)$ /index.html break; } }
				location /a/ { if (!-f $request_filename) { return 404; } }
				location /b/ { if (!-e $request_filename) { rewrite ^ /index.php last; } }
				location /c/ { if (!-e $request_filename) { return 403; } }
				location /d/ { if (!-e $request_filename) { return 404; } proxy_pass http://10.0.0.1; }
			}`,
			routes: []string{`"/": {dir: /srv, spa: on}`, `"/a/": /srv/a`, `"/b/": /srv/b`, `"/c/": NOT_IMPLEMENTED`, `"/d/": NOT_IMPLEMENTED`},
		},
	} {
		t.Run(tt.name, tt.check)
	}
}

// TestServers are names, addresses and upstreams.
func TestServers(t *testing.T) {
	for _, tt := range []conversion{
		{
			name: "a condition about a host that another server has",
			from: `server { listen 80; server_name example.com; if ($host = www.example.com) { return 301 http://example.com$request_uri; } location / { return 200 x; } }
			server { listen 80; server_name www.example.com; location / { return 200 www; } }`,
			routes: []string{`"/": OK x`, `"/": OK www`, `!"www.example.com/*": MOVED http://example.com/*`},
		},
		{
			name: "an address that is not for everybody",
			from: `server { listen 80; server_name a.example.com; location / { return 200 a; } }
			server { listen 10.0.0.5:9000; server_name admin.internal; location / { return 200 b; } }`,
			report: []string{"nginx.conf:1: differs: server {...}", "nginx.conf:2: not carried over: server {...}"},
		},
		{
			name: "a map of hosts",
			from: `map $host $backend { hostnames; default app0; a.example.com app1; .b.example.com app2; other.example.com app2; ~^(c1|c2)\.example\.com$ app1; }
			map $host $site { a.example.com /srv/a; }
			upstream app0 { server 10.0.0.1; } upstream app1 { server 10.0.0.2; } upstream app2 { server 10.0.0.3; }
			server { listen 80 default_server; server_name _; location / { proxy_pass http://$backend; proxy_set_header Host $host; } location /files/ { root $site; } }
			server { listen 80; server_name other.example.com; location / { return 200 other; } }`,
			routes: []string{
				`"/": http://app0`, `"/": http://app1`, `"/": http://app2`, `"/files/": NOT_IMPLEMENTED`, `"/files/": /srv/a/files`, `host: a.example.com`, `host: "*.b.example.com"`,
				`host: b.example.com`, `host: c2.example.com`, `"/": OK other`,
			},
		},
		{
			name:   "no address that is understood",
			from:   `server { listen 80; location / { return 200 x; } } server { listen example.com:80; server_name b; location / { return 200 y; } }`,
			routes: []string{`!"/": OK y`},
			report: []string{"!Clients that ask for unknown hosts by plain HTTP are redirected to https as all others."},
		},
		{
			name:   "settings of TLS that nobody uses",
			from:   `http { ssl_protocols TLSv1.2; ssl_ecdh_curve X25519; server { listen 80; location / { return 200 x; } } }`,
			routes: []string{`"/": OK x`},
			report: []string{"complete"},
		},
		{
			name: "clients that ask for an unknown name",
			from: `server { listen 443 ssl default_server; ssl_reject_handshake on; }
			server { listen 443 ssl; server_name a.example.com; ssl_certificate a.pem; ssl_certificate_key a.key; location / { return 200 a; } }`,
			routes: []string{`default: none`, `"/": OK a`},
			report: []string{"complete"},
		},
		{
			name: "expressions for names",
			from: `server { listen 80; return 404; }
			server { listen 80; server_name ~^(?<sub>[^.]+)\.example\.org$; location / { return 200 org; } }
			server { listen 80; server_name ~^.+\.example\.net$ ~^x(.+)\.example\.com$; location / { return 200 net; } }`,
			routes: []string{`host: "*.example.org"`, `host: "*.example.net"`},
			report: []string{"nginx.conf:2: differs: server_name ~^(?<sub>[^.]+)\\.example\\.org$", "not complete: 1 not carried over, 1 differ"},
		},
		{
			name: "TLS with members that have no port",
			from: `upstream c { server 10.0.0.9 weight=2; server [::1]; server 10.0.0.8:8443; server unix:/run/c.sock; }
			server { listen 80; location / { proxy_pass https://c; } }`,
			routes: []string{`c: {members: [10.0.0.9:80 weight 2, "[::1]:80", 10.0.0.8:8443, unix:/run/c.sock], tls: {verify: off}}`},
		},
	} {
		t.Run(tt.name, tt.check)
	}
}
