package nginx_test

import "testing"

// TestPrecedence are locations of which nginx chooses another one than the most specific path.
func TestPrecedence(t *testing.T) {
	for _, tt := range []conversion{
		{
			name:   "an expression about a path and what is below it",
			from:   `server { listen 80; location ~ ^/v1/users(/.*)?$ { proxy_pass http://10.0.0.1; } location / { return 404; } }`,
			routes: []string{`"/v1/users/*": http://10.0.0.1 | headers req ~Host=10.0.0.1`, `!"/v1/users": NOT_FOUND`},
		},
		{
			name: "a rewrite in a location below what its expression matches",
			from: `server { listen 80; proxy_set_header Host $host; location /app/ws/ { rewrite ^/app/(.*) /$1 break; proxy_pass http://10.0.0.1; }
				location = /app/one { rewrite ^/app/(.*)$ /new/$1 break; proxy_pass http://10.0.0.1; }
				location /app/old/ { rewrite ^/app/(.*)$ https://new.example.com/$1 permanent; } }`,
			routes: []string{
				`"/app/ws/": http://10.0.0.1/ws/`, `"/app/one": http://10.0.0.1/new/one`,
				`"/app/old/": MOVED https://new.example.com/old/*`,
			},
		},
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
			name: "^~ within a location does not stop the expressions beside that",
			from: `server { listen 80;
				location /a/ { location ^~ /a/b/ { return 200 inner; } }
				location ~ ^/a/b/ { return 403; }
				location / { return 200 all; }
			}`,
			routes: []string{`"/a/b/*": FORBIDDEN`, `!"/a/b/": OK inner`},
		},
		{
			name: "what ^~ stops goes before a longer path",
			from: `server { listen 80;
				location ^~ /b { return 200 b; }
				location /b/a { return 200 longer; }
				location ~ ^/b { return 302 /login; }
			}`,
			routes: []string{`"/b/a/": NOT_IMPLEMENTED`, `"/b/": OK b`},
		},
		{
			name: "a nested location that nginx never gets to",
			from: `server { listen 80;
				location /c/ { return 403; }
				location /c { location /c/c/ { return 200 inner; } location = /c/d { return 200 exact; } location ~ ^/c/e { return 200 e; } }
				location / { return 200 all; }
			}`,
			routes: []string{`"/c/": FORBIDDEN`, `!"/c/c/": OK inner`, `!"/c/d": OK exact`},
			report: []string{"nginx.conf:3: differs: location /c/c/ {...}", "nginx.conf:3: differs: location = /c/d {...}"},
		},
		{
			name: "an expression in a location does not answer the path without the slash",
			from: `server { listen 80;
				location /a/ { location ~ ^/a { return 200 inner; } }
				location / { return 302 /login; }
			}`,
			routes: []string{`"/a/*": OK inner`, `"/a": FOUND /login`},
		},
		{
			name: "what an earlier expression leaves of a later one",
			from: `server { listen 80;
				location ~ ^/[^/]+/c/.* { return 200 first; }
				location ~ ^/b/c { return 403; }
				location / { return 200 all; }
			}`,
			routes: []string{`"/:p1/c/*": OK first`, `"/b/c": FORBIDDEN`, `!"/b/c/*": FORBIDDEN`},
		},
		{
			name: "an expression within ^~ counts",
			from: `server { listen 80; root /srv;
				location ^~ /files/ { location ~ ^/files/private/ { deny all; } }
			}`,
			routes: []string{`"/files/private/*": FORBIDDEN`, `"/files/": /srv/files`},
		},
		{
			name: "expressions that mean some paths of a depth, and as routes would have all of them",
			from: `map $uri $to { default ""; "~^/([0-9]+)/feed/(.*)$" /feed; "~^/([0-9]+)/([^/]+)$" /numbers/$2; }
			server { listen 80;
				rewrite "^/([0-9]{4})/([0-9]{2})/(.*)$" /archive/$3 redirect;
				rewrite ^/p/([0-9]+)$ /posts/$1 permanent;
				rewrite ^/([0-9]+)/([0-9]+)/([0-9]+)$ /login redirect;
				if ($to) { return 301 $to; }
				location ~ ^/([0-9]+)$ { proxy_pass http://10.0.0.2; }
				location ~ ^/([^/]+)/([^/]+)/x/([0-9]+)$ { proxy_pass http://10.0.0.3; }
				location / { proxy_pass http://10.0.0.1; }
			}`,
			routes: []string{
				`"/p/:p1": MOVED /posts/:p1`, `"/": http://10.0.0.1 | headers req ~Host=10.0.0.1`, `"/:p1/:p2/x/:p3": http://10.0.0.3 | headers req ~Host=10.0.0.3`,
				`"/:p1/feed/*": MOVED /feed`, `!"/:p1/:p2/*": FOUND /archive/*`, `!"/:p1/:p2": MOVED /numbers/:p2`, `"/:p1/:p2/:p3": FOUND /login`, `"/:p1": http://10.0.0.2 | headers req ~Host=10.0.0.2`,
			},
			report: []string{
				`nginx.conf:3: not carried over: rewrite "^/([0-9]{4})/([0-9]{2})/(.*)$" /archive/$3 redirect`, "nginx.conf:5: not carried over: rewrite ^/([0-9]+)/([0-9]+)/([0-9]+)$ /login redirect",
				"nginx.conf:7: not carried over: location ~ ^/([0-9]+)$ {...}", "The route is /:p1/:p2/x/:p3: the segment may be anything.", "The expression ~^/([0-9]+)/([^/]+)$ has no counterpart.", "The route is /:p1/feed/*: the segment may be anything.",
			},
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
