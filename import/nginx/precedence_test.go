package nginx_test

import "testing"

// TestPrecedence are locations of which nginx chooses another one than the most specific path.
func TestPrecedence(t *testing.T) {
	for _, tt := range []conversion{
		{
			name: "an expression in one location is not asked for the paths of another one",
			from: `server { listen 80;
				location / { proxy_pass http://10.0.0.1; location ~ ^/api/x$ { proxy_pass http://10.0.0.2; } }
				location /api/ { deny all; }
			}`,
			routes: []string{`"/api/": FORBIDDEN`, `!"/api/x": http://10.0.0.2`},
			report: []string{"nginx.conf:2: differs: location ~ ^/api/x$ {...}"},
		},
		{
			name: "nor is one with ^~",
			from: `server { listen 80; root /srv;
				location / { location ~ ^/api/x$ { proxy_pass http://10.0.0.2; } }
				location ^~ /api/ { deny all; }
			}`,
			routes: []string{`"/api/": FORBIDDEN`, `"/": /srv`},
		},
		{
			name: "an expression within ^~ counts",
			from: `server { listen 80; root /srv;
				location ^~ /files/ { location ~ ^/files/private/ { deny all; } }
			}`,
			routes: []string{`"/files/private/*": FORBIDDEN`, `"/files/": /srv/files`},
		},
		{
			name: "an expression around more than its location",
			from: `server { listen 80; root /srv;
				location /app/ { location ~ ^/ { return 200 inner; } }
			}`,
			routes: []string{`!"/*": OK inner`, `"/": /srv`},
			report: []string{"nginx.conf:2: not carried over: location ~ ^/ {...}"},
		},
		{
			name: "the first expression that matches",
			from: `server { listen 80;
				location ~ ^/a/ { return 403; }
				location ~ ^/a/b$ { return 200 open; }
				location ~ ^/users/[^/]+$ { return 403; }
				location ~ ^/users/me$ { return 200 me; }
			}`,
			routes: []string{`"/a/*": FORBIDDEN`, `!"/a/b": OK open`, `"/users/:p1": FORBIDDEN`, `!"/users/me": OK me`},
			report: []string{"nginx.conf:3: differs: location ~ ^/a/b$ {...}", "nginx.conf:5: differs: location ~ ^/users/me$ {...}"},
		},
		{
			name: "the first expression, though the second one is not about the same",
			from: `server { listen 80;
				location ~ ^/users/\d+$ { return 200 number; }
				location ~ ^/users/me$ { return 200 me; }
				location ~ ^/users/42$ { return 200 never; }
			}`,
			routes: []string{`"/users/me": OK me`, `!"/users/42": OK never`},
		},
		{
			name: "two expressions that share some paths",
			from: `server { listen 80;
				location ~ ^/[^/]+/secret$ { return 403; }
				location ~ ^/a/[^/]+$ { return 200 open; }
			}`,
			routes: []string{`"/:p1/secret": FORBIDDEN`, `"/a/:p1": NOT_IMPLEMENTED`},
			report: []string{"nginx.conf:3: not carried over: location ~ ^/a/[^/]+$ {...}"},
		},
		{
			name: "an expression goes before a longer prefix",
			from: `server { listen 80; root /srv;
				location ~ ^/api/ { deny all; }
				location /api/v1/ { proxy_pass http://10.0.0.1; }
				location ^~ /api/v2/ { proxy_pass http://10.0.0.1; }
			}`,
			routes: []string{`"/api/*": FORBIDDEN`, `!"/api/v1/": http://10.0.0.1 | headers req ~Host=10.0.0.1`, `"/api/v2/": http://10.0.0.1 | headers req ~Host=10.0.0.1`},
			report: []string{"nginx.conf:3: differs: location /api/v1/ {...}"},
		},
		{
			name: "an expression that keeps some of a prefix back",
			from: `server { listen 80; root /srv;
				location ~ ^/([^/]+)/keys$ { deny all; }
				location /api/ { proxy_pass http://10.0.0.1; }
			}`,
			routes: []string{`"/:p1/keys": FORBIDDEN`, `"/api/": NOT_IMPLEMENTED`},
			report: []string{"nginx.conf:3: not carried over: location /api/ {...}"},
		},
		{
			name: "an exact path with files below it",
			from: `server { listen 80; root /srv; location = / { return 302 /app/; } }
			server { listen 80; server_name b; root /srv; location = /x/ { proxy_pass http://10.0.0.1; } }`,
			routes: []string{`!"/": FOUND /app/`, `"/": /srv`, `!"/x/": http://10.0.0.1`},
			report: []string{"nginx.conf:1: not carried over: location = / {...}", "nginx.conf:2: not carried over: location = /x/ {...}"},
		},
		{
			name:   "a prefix with a slash, and without",
			from:   `server { listen 80; location /c { return 200 c; } location /c/ { return 403; } }`,
			routes: []string{`"/c": OK c`, `"/c/": FORBIDDEN`},
		},
		{
			name:   "an expression for the prefix itself",
			from:   `server { listen 80; location /c { return 403; } location ~ ^/c$ { return 200 c; } location / { return 200 x; } }`,
			routes: []string{`"/c": OK c`, `"/c/": FORBIDDEN`, `"/": OK x`},
		},
		{
			name:   "what a path without its slash is kept from",
			from:   `server { listen 80; location /a/ { return 200 a; } location ~ ^/b/[^/]+/ { return 200 b; } location / { return 403; } }`,
			routes: []string{`"/a": FORBIDDEN`, `"/b/:p1": FORBIDDEN`, `"/a/": OK a`, `"/b/:p1/*": OK b`},
		},
		{
			name:   "an exact path with a slash, within an expression",
			from:   `server { listen 80; location = /a/c/ { return 200 exact; } location ~ ^/(a|b)/ { return 200 all; } }`,
			routes: []string{`"/a/c/": OK exact`, `"/a/c/:p1/": OK all`},
		},
		{
			name:   "an exact path with a slash, that would go before an expression",
			from:   `server { listen 80; location = /c/ { return 200 exact; } location ~ ^/[^/]+/a/ { return 403; } location / { return 200 x; } }`,
			routes: []string{`!"/c/": OK exact`, `!"/c/:p1/": OK x`},
			report: []string{"nginx.conf:1: not carried over: location = /c/ {...}"},
		},
		{
			name: "other spellings",
			from: `server { listen 80; location /admin/ { deny all; } location / { proxy_pass http://10.0.0.1; } }
			server { listen 80; server_name b; location /admin/ { deny all; } location / { proxy_pass http://10.0.0.1; deny all; } }
			server { listen 80; server_name c; root /srv; location /admin/ { deny all; } location / { } }`,
			report: []string{
				"nginx.conf:1: not carried over: location /admin/ {...}", "!nginx.conf:2: not carried over: location /admin/ {...}",
				"!nginx.conf:3: not carried over: location /admin/ {...}",
			},
		},
		{
			name:   "a path that no route can have",
			from:   `server { listen 80; location "/a b/" { deny all; } location / { proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name: "without regard to case",
			from: `server { listen 80;
				location ~* ^/secret/ { deny all; }
				location / { proxy_pass http://10.0.0.1; }
			}`,
			report: []string{"nginx.conf:2: not carried over: location ~* ^/secret/ {...}"},
		},
	} {
		t.Run(tt.name, tt.check)
	}
}
