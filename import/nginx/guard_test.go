package nginx_test

import "testing"

// TestGuards are locations that keep something back, and that no path can say: what they are about must not be served.
func TestGuards(t *testing.T) {
	for _, tt := range []conversion{
		{
			name:   "dotfiles",
			from:   `server { listen 80; root /srv; location ~ /\.(?!well-known) { deny all; } location ~ /\.ht|(^|/)\.git { return 404; } }`,
			routes: []string{`"/": /srv`},
			report: []string{"complete: 2 differ"},
		},
		{
			name:   "dotfiles and others",
			from:   `server { listen 80; root /srv; location ~ /\.ht|/private/ { deny all; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name: "two of them",
			from: `server { listen 80; root /srv;
				location ~ \.secret$ { deny all; }
				location ~ ^/pub/ { root /pub; }
				location / { try_files $uri /index.php; }
			}`,
			routes: []string{`"/pub/*": NOT_IMPLEMENTED`, `"/": NOT_IMPLEMENTED`},
		},
		{
			name:   "a page that is answered with an error",
			from:   `server { listen 80; root /srv; location ~* \.(sql|bak)$ { return 410; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name:   "a condition in it",
			from:   `server { listen 80; root /srv; location ~* \.key$ { if ($remote_addr != 10.0.0.1) { return 403; } } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name: "logins asked for by a map, a geo, and a set",
			from: `map $cookie_session $in { default 0; "~.+" 1; } map $in $out { default 1; 1 0; } geo $inside { default 0; 10.0.0.0/8 1; }
				map $http_accept_language $lang { default en; ~^de de; } map $cookie_beta $beta { default 0; on 1; }
				server { listen 80; set $ok 0; if ($remote_addr = 10.0.0.1) { set $ok 1; }
				location /map/ { if ($in = 0) { return 302 /login; } proxy_pass http://10.0.0.1; }
				location /maps/ { if ($out) { rewrite ^ /login redirect; } proxy_pass http://10.0.0.1; }
				location /geo/ { if ($inside = 0) { return 503; } proxy_pass http://10.0.0.1; }
				location /set/ { if ($ok = 0) { return 302 /login; } proxy_pass http://10.0.0.1; }
				location /pass/ { if ($cookie_session = "") { proxy_pass http://10.0.0.9; } proxy_pass http://10.0.0.1; }
				location /cert/ { if ($ssl_client_verify = NONE) { return 302 /no; } proxy_pass http://10.0.0.1; }
				location /none/ { if ($cookie_session ~ "^$") { return 302 /no; } proxy_pass http://10.0.0.1; }
				location /lang { if ($lang = de) { return 302 /de/; } return 204; }
				location /beta { if ($beta) { return 302 /b/; } return 204; }
			}`,
			routes: []string{
				`"/map/": NOT_IMPLEMENTED`, `"/maps/": NOT_IMPLEMENTED`, `"/geo/": NOT_IMPLEMENTED`, `"/set/": NOT_IMPLEMENTED`, `"/pass/": NOT_IMPLEMENTED`,
				`"/cert/": NOT_IMPLEMENTED`, `"/none/": NOT_IMPLEMENTED`,
				`"/lang/": NO_CONTENT`, `"/beta/": NO_CONTENT`,
			},
		},
		{
			name:   "links of other sites to pictures are only told of",
			from:   `server { listen 80; root /srv; location ~* \.(gif|png)$ { valid_referers none server_names; if ($invalid_referer) { return 403; } } }`,
			routes: []string{`"/": /srv`},
		},
		{
			name: "only what it may be about",
			from: `server { listen 80; root /srv;
				location ~ ^/f/(?!public/) { deny all; }
				location /f/x/ { }
				location /g/ { proxy_pass http://10.0.0.1; }
				location = /f/y { return 200 y; }
			}`,
			routes: []string{`"/f/": NOT_IMPLEMENTED`, `"/f/x/": NOT_IMPLEMENTED`, `"/g/": http://10.0.0.1 | headers req ~Host=10.0.0.1`, `"/": /srv`, `"/f/y": OK y`},
		},
		{
			name:   "only that, unless an upstream may not care for case",
			from:   `server { listen 80; location ~* ^/g/.*\.php$ { deny all; } location / { proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name:   "within ^~",
			from:   `server { listen 80; root /srv; location ^~ /files/ { location ~ \.php$ { deny all; } } location / { } }`,
			routes: []string{`"/files/": NOT_IMPLEMENTED`, `"/": /srv`},
		},
		{
			name:   "beside ^~",
			from:   `server { listen 80; root /srv; location ^~ /files/ { } location ~ \.php$ { deny all; } }`,
			routes: []string{`"/files/": /srv/files`, `"/": NOT_IMPLEMENTED`},
		},
		{
			name: "modules that decide who is let in",
			from: `server { listen 80;
				location /a/ { auth_ldap "x"; proxy_pass http://10.0.0.1; }
				location /b/ { auth_digest "x"; proxy_pass http://10.0.0.1; }
				location /c/ { access_by_lua_file /x.lua; proxy_pass http://10.0.0.1; }
				location /d/ { js_access main.check; proxy_pass http://10.0.0.1; }
				location /e/ { auth_pam off; proxy_pass http://10.0.0.1; }
			}`,
			routes: []string{`"/a/": NOT_IMPLEMENTED`, `"/b/": NOT_IMPLEMENTED`, `"/c/": NOT_IMPLEMENTED`, `"/d/": NOT_IMPLEMENTED`, `!"/e/": NOT_IMPLEMENTED`},
		},
		{
			name: "conditions that let in some requests only",
			from: `map $http_user_agent $bot { default 0; ~*crawl 1; }
			server { listen 80;
				location /a/ { if ($cookie_session = "") { return 302 /login; } proxy_pass http://10.0.0.1; }
				location /b/ { if ($http_x_key != secret) { return 503; } proxy_pass http://10.0.0.1; }
				location /c/ { if ($http_authorization = "") { rewrite ^ /login last; } proxy_pass http://10.0.0.1; }
				location /d/ { if ($arg_key != x) { add_header X-A b; return 403; } proxy_pass http://10.0.0.1; }
				location /e/ { if ($http_x_forwarded_proto != https) { return 301 https://$host$request_uri; } proxy_pass http://10.0.0.1; }
				location /f/ { if ($cookie_lang = de) { return 302 /de/; } proxy_pass http://10.0.0.1; }
				location /g/ { if ($bot) { return 403; } proxy_pass http://10.0.0.1; }
			}`,
			routes: []string{
				`"/a/": NOT_IMPLEMENTED`, `"/b/": NOT_IMPLEMENTED`, `"/c/": NOT_IMPLEMENTED`, `"/d/": NOT_IMPLEMENTED`, `"/e/": http://10.0.0.1`, `"/f/": http://10.0.0.1`,
				`"/g/": http://10.0.0.1`,
			},
		},
	} {
		t.Run(tt.name, tt.check)
	}
}
