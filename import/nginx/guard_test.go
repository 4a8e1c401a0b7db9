package nginx_test

import (
	"strings"
	"testing"
)

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
		{
			name: "conditions that refuse, whatever they are about",
			from: `map $uri $deny { default 0; ~^/admin 1; } map $http_user_agent $app { default 0; ~secret 1; } map $geoip2_data_country_code $in { default no; DE yes; }
			js_set $told m.f;
			server { listen 80;
				location /a/ { if ($uri ~ ^/a/admin) { return 503; } proxy_pass http://10.0.0.1; }
				location /b/ { if ($deny) { return 500; } proxy_pass http://10.0.0.1; }
				location /c/ { if ($args !~ "token=t") { return 503; } proxy_pass http://10.0.0.1; }
				location /d/ { if ($content_type !~ json) { return 500; } proxy_pass http://10.0.0.1; }
				location /e/ { if ($geoip_country_code ~ CN) { return 302 /no; } proxy_pass http://10.0.0.1; }
				location /f/ { if ($in = no) { rewrite ^ /no redirect; } proxy_pass http://10.0.0.1; }
				location /g/ { if ($told = 0) { return 302 /no; } proxy_pass http://10.0.0.1; }
				location /h/ { if ($http_user_agent !~ MyApp) { return 403; } proxy_pass http://10.0.0.1; }
				location /i/ { if ($app = 0) { return 403; } proxy_pass http://10.0.0.1; }
				location /j/ { if ($uri ~ x) { rewrite ^ /denied last; } proxy_pass http://10.0.0.1; }
				location /k/ { if ($request_method = POST) { proxy_pass http://10.0.0.9; } proxy_pass http://10.0.0.1; }
				location /l/ { if ($request_method !~ ^(GET|HEAD)$) { rewrite ^ /denied last; } proxy_pass http://10.0.0.1; }
				location /m/ { if (-f /srv/maintenance) { return 503; } proxy_pass http://10.0.0.1; }
				location /n/ { if ($http_user_agent = "") { return 403; } proxy_pass http://10.0.0.1; }
				location /denied { deny all; }
			}`,
			routes: []string{
				`"/a/": NOT_IMPLEMENTED`, `"/b/": NOT_IMPLEMENTED`, `"/c/": NOT_IMPLEMENTED`, `"/d/": NOT_IMPLEMENTED`, `"/e/": NOT_IMPLEMENTED`, `"/f/": NOT_IMPLEMENTED`,
				`"/g/": NOT_IMPLEMENTED`, `"/h/": NOT_IMPLEMENTED`, `"/i/": NOT_IMPLEMENTED`, `"/j/": NOT_IMPLEMENTED`,
				`"POST /k/": NOT_IMPLEMENTED`, `"/k/": http://10.0.0.1`, `"GET HEAD /l/": http://10.0.0.1`, `"/l/": NOT_IMPLEMENTED`, `"/m/": http://10.0.0.1`, `"/n/": http://10.0.0.1`,
			},
		},
		{
			name:   "a method that the server refuses with 503",
			from:   `server { listen 80; if ($request_method = POST) { return 503; } location / { proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"POST /": SERVICE_UNAVAILABLE`, `"/": http://10.0.0.1 | headers req ~Host=10.0.0.1`},
		},
		{
			name:   "a rewrite of no path that leads to what is denied",
			from:   `server { listen 80; rewrite ^/(?!pub).*$ /denied last; location /denied { internal; } location / { proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name:   "rewrites that lead to each other",
			from:   `server { listen 80; location /a { if ($uri ~ x) { rewrite ^ /b last; } return 204; } location /b { if ($uri ~ x) { rewrite ^ /a last; } return 204; } }`,
			routes: []string{`"/a/": NO_CONTENT`, `"/b/": NO_CONTENT`},
		},
		{
			name:   "an expression that leads all to a login",
			from:   `server { listen 80; location ~ \.bak$ { return 302 /login; } location / { proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name:   "an expression that says what pages are called now",
			from:   `server { listen 80; location ~ ^(.+)\.html$ { return 302 $1; } location / { proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"/": http://10.0.0.1 | headers req ~Host=10.0.0.1`},
		},
		{
			name:   "an expression that leads to what is denied",
			from:   `server { listen 80; location ~ \.bak$ { rewrite ^ /denied last; } location /denied { deny all; } location / { proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name:   "an expression within another",
			from:   `server { listen 80; location ~ \.x$ { location ~ b { deny all; } proxy_pass http://10.0.0.1; } location / { proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name:   "a path that no route can have",
			from:   `server { listen 80; location "/a b/" { return 410; } location / { proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name:   "what is kept by the server, where a location is not",
			from:   `server { listen 80; deny all; location ~ \.bak$ { proxy_pass http://10.0.0.1; } location / { allow all; proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name: "fields that upstreams take for nginx's",
			from: `map $cookie_s $role { default ""; x admin; } server { listen 80; location / {
				proxy_set_header X-Role $role; proxy_set_header X-Cert $ssl_client_fingerprint; proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"/": http://10.0.0.1 | headers req -X-Role -X-Cert ~Host=10.0.0.1`},
		},
		{
			name: "a named location that keeps clients out, and one that is asked behind something that does",
			from: `server { listen 80; root /srv;
				location /a/ { try_files $uri @if; }
				location /b/ { try_files $uri @request; }
				location /c/ { try_files $uri @methods; }
				location /d/ { auth_basic x; auth_basic_user_file /p; try_files $uri @open; }
				location /e/ { try_files $uri @open; }
				location @if { if ($cookie_s = "") { return 302 /login; } proxy_pass http://10.0.0.1; }
				location @request { auth_request /x; proxy_pass http://10.0.0.1; }
				location @methods { limit_except GET { deny all; } proxy_pass http://10.0.0.1; }
				location @open { proxy_pass http://10.0.0.1; }
			}`,
			routes: []string{
				`"/a/": NOT_IMPLEMENTED`, `"/b/": NOT_IMPLEMENTED`, `"/c/": NOT_IMPLEMENTED`, `"/d/": NOT_IMPLEMENTED`,
				`"/e/": http://10.0.0.1 | headers req ~Host=10.0.0.1`,
			},
		},
		{
			name:   "a file that is not on this machine",
			from:   `server { listen 80; root /srv; location = /private.pdf { auth_basic x; auth_basic_user_file /p; } }`,
			routes: []string{`"/private.pdf": NOT_IMPLEMENTED`, `"/": /srv`},
			report: []string{"not complete: 1 not carried over, 0 differ"},
		},
		{
			name:   "the index of a directory",
			from:   `server { listen 80; root /srv; location / { try_files $uri /index.html; } location = /index.html { auth_basic x; auth_basic_user_file /p; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name:   "a path that ends in a slash, among files",
			from:   `server { listen 80; root /srv; location = / { auth_basic x; auth_basic_user_file /p; } location = /d/ { deny all; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`, `"/d/": NOT_IMPLEMENTED`},
		},
		{
			name: "other spellings of what is kept by the server",
			from: `server { listen 80; auth_basic x; auth_basic_user_file /p; location /admin/ { proxy_pass http://10.0.0.1; }
				location / { auth_basic off; proxy_pass http://10.0.0.1; } }`,
			report: []string{"not complete: 1 not carried over, 1 differ"},
		},
		{
			name:   "paths that begin with what is kept by the server",
			from:   `server { listen 80; deny all; location /admin { return 204; } location / { allow all; return 204; } }`,
			report: []string{"The route matches /admin and what is below /admin/, but not /adminx. Access to those is not restricted by it."},
		},
		{
			name:   "many paths that are led to a login",
			from:   `server { listen 80; location / { if ($uri ~ secret) { return 302 /login; } proxy_pass http://10.0.0.1; } }`,
			routes: []string{`"/": NOT_IMPLEMENTED`},
		},
		{
			name: "other spellings of what is kept from more clients than the rest",
			from: `server { listen 80; proxy_set_header Host $host; location /admin/ { allow 10.0.0.0/8; deny all; proxy_pass http://10.0.0.1; }
				location / { deny 203.0.113.7; proxy_pass http://10.0.0.1; } }`,
			report: []string{"not complete: 1 not carried over, 0 differ"},
		},
		{
			name: "other spellings of what is kept from the same clients as the rest",
			from: `server { listen 80; proxy_set_header Host $host; location /admin/ { auth_basic a; auth_basic_user_file /p; proxy_pass http://10.0.0.1; }
				location / { auth_basic b; auth_basic_user_file /p; proxy_pass http://10.0.0.2; } }`,
			report: []string{"complete"},
		},
		{
			name: "other spellings of what a rewrite leads to a login, and of what tells that where it was",
			from: `server { listen 80; proxy_set_header Host $host; location /admin/ { rewrite ^ /login redirect; }
				location / { proxy_pass http://10.0.0.1; } }
			server { listen 80; server_name x.example; proxy_set_header Host $host; location /admin/ { return 302 /login?next=$request_uri; }
				location / { proxy_pass http://10.0.0.1; } }`,
			report: []string{"not complete: 2 not carried over, 2 differ"},
		},
		{
			name: "a path without its slash, where the rest is led to a login or denied",
			from: `server { listen 80; location /a/ { return 200 a; } location / { return 302 /login; } }
			server { listen 80; server_name x.example; location = /c/a/ { return 200 a; } location = /c/ { return 403; } location /c/ { return 403; } }`,
			routes: []string{`"/a": FOUND /login`, `"/c/a": FORBIDDEN`},
		},
		{
			name:   "a condition before an answer",
			from:   `server { listen 80; location /a { if ($cookie_s = "") { return 403; } return 200 secret; } }`,
			routes: []string{`"/a/": NOT_IMPLEMENTED`},
		},
		{
			name:   "what is beside an answer",
			from:   `server { listen 80; deny all; location /a/ { allow all; auth_basic x; return 200 a; } location /b { return 200 b; } }`,
			routes: []string{`"/a/": OK a`, `"/b/": OK b`},
			report: []string{"nginx.conf:1: differs: allow all", "nginx.conf:1: differs: auth_basic x"},
		},
		{
			name: "a list of its own in place of the server's",
			from: `server { listen 80; allow 10.0.0.1; deny all; location /a { allow all; proxy_pass http://10.0.0.1; } location /b { proxy_pass http://10.0.0.1; } }`,
			report: []string{
				"The route matches /a and what is below /a/, but not /ax.", "The route matches /b and what is below /b/, but not /bx.",
			},
		},
	} {
		t.Run(tt.name, tt.check)
	}
}

// TestPathsThatBegin are locations without a slash at the end, and expressions without an end, which keep all that begins with
// them from an upstream. A path does not match that, so that the result is not complete.
func TestPathsThatBegin(t *testing.T) {
	for _, tt := range []struct {
		what string
		lost bool
	}{
		{`location /x { return 302 /login; }`, true},
		{`location /x { return 307 /login?next=$request_uri; }`, true},
		{`location /x { return https://$host/login; }`, true},
		{`location /x { return 301 /; }`, true},
		{`location /x { rewrite ^ /login redirect; }`, true},
		{`location /x { rewrite ^ /login permanent; }`, true},
		{`location /x { return 403; }`, true},
		{`location /x { return 410; }`, true},
		{`location /x { try_files /none =404; }`, true},
		{`location /x { limit_except GET { deny all; } proxy_pass http://10.0.0.1; }`, true},
		{`location ^~ /x { return 303 https://sso.example.com/; }`, true},
		{`location ~ ^/x { return 302 /login; }`, true},
		{`location ~* ^/x { return 302 /login; }`, true},
		{`location ~ ^/x(.*)$ { return 301 /new; }`, true},
		{`rewrite ^/x /login redirect;`, true},
		{`rewrite ^/x(.*)$ /login?from=$1 redirect;`, true},
		{`if ($to) { return 302 $to; }`, true},
		{`location /x- { proxy_pass http://10.0.0.1; }`, true},
		{`location ~ ^/x-(.*)$ { proxy_pass http://10.0.0.1; }`, true},
		{`location /x { return 301 https://new.example.com$request_uri; }`, false},
		{`location /x { return 200 ok; }`, false},
		{`location /x { proxy_pass http://10.0.0.1; location /x/y/ { return 403; } }`, false},
		{`location ~ ^/x { proxy_pass http://10.0.0.1; }`, false},
		{`rewrite ^/x(.*)$ /new$1 redirect;`, false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			c := conversion{from: "map $uri $to { ~^/x /login; }\nserver { listen 80; proxy_set_header Host $host;\n" + tt.what + "\nlocation / { proxy_pass http://10.0.0.1; } }"}
			line := "nginx.conf:3: not carried over: "
			if !strings.HasPrefix(tt.what, "location") {
				line += strings.TrimSuffix(tt.what, ";")
			} else {
				line += tt.what[:strings.Index(tt.what, "{")] + "{...}"
			}
			if strings.HasPrefix(tt.what, "if") {
				line = "nginx.conf:1: not carried over: map $uri $to {...}"
			}
			if !tt.lost {
				line = "!" + line
			}
			c.report = []string{line}
			c.check(t)
		})
	}
}
