package policy

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/policy/quantity"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		line string
		want Policy
		// canonical is what String gives, where it differs from line.
		canonical string
	}{
		{line: "limit 100/s burst 200 per ip", want: Limit{quantity.Rate{Count: 100, Per: time.Second}, 200, Scope{Kind: PerIP}}},
		{line: "limit 6000/m", want: Limit{quantity.Rate{Count: 6000, Per: time.Minute}, 6000, Scope{}}, canonical: "limit 6000/m per route"},
		{line: "limit 20/h per header X-Api-Key burst 5", want: Limit{quantity.Rate{Count: 20, Per: time.Hour}, 5, Scope{PerHeader, "X-Api-Key"}}, canonical: "limit 20/h burst 5 per header X-Api-Key"},
		{line: "conns 1000 per ip", want: Conns{1000, Scope{Kind: PerIP}}},
		{line: "conns 10", want: Conns{10, Scope{}}, canonical: "conns 10 per route"},
		{line: "body 10MiB", want: Body{10 << 20}},
		{line: "body 0", want: Body{0}, canonical: "body 0B"},
		{line: "body unlimited", want: Body{-1}},
		{line: "timeout 5s", want: Timeout{5 * time.Second}},
		{line: "headers +X-A=1 -Server ~Cache-Control=no-store", want: Headers{Edits: []FieldEdit{{AddField, "X-A", "1"}, {RemoveField, "Server", ""}, {SetField, "Cache-Control", "no-store"}}}},
		{line: `headers req ~X-B="a \"b\" \\ c=d" +X-C=`, want: Headers{Request: true, Edits: []FieldEdit{{SetField, "X-B", `a "b" \ c=d`}, {AddField, "X-C", ""}}}},
		{line: `headers +X-A={client} ~X-B="a {uri} {{b}" "+X-C={\"a\":1}"`, want: Headers{Edits: []FieldEdit{{AddField, "X-A", "{client}"}, {SetField, "X-B", "a {uri} {{b}"}, {AddField, "X-C", `{"a":1}`}}}, canonical: `headers +X-A={client} ~X-B="a {uri} {{b}" +X-C="{\"a\":1}"`},
		{line: "headers req ~Host={host}:{server-port}", want: Headers{Request: true, Edits: []FieldEdit{{SetField, "Host", "{host}:{server-port}"}}}},
		{line: "cors https://a.example https://b.example", want: CORS{Origins: []string{"https://a.example", "https://b.example"}}},
		{line: "cors * maxage 1h", want: CORS{Any: true, MaxAge: time.Hour}},
		{line: "cors https://*.a.example http://[::1]:3000 credentials", want: CORS{Origins: []string{"https://*.a.example", "http://[::1]:3000"}, Credentials: true}},
		{line: "allow 10.0.0.0/8 ::1", want: mustAllow("10.0.0.0/8", "::1")},
		{line: "allow ::ffff:192.0.2.0/120", want: mustAllow("192.0.2.0/24"), canonical: "allow 192.0.2.0/24"},
		{line: "deny 0.0.0.0/0 ::/0", want: Deny(mustAllow("0.0.0.0/0", "::/0"))},
		{line: "auth basic admins.htpasswd", want: Auth{Kind: AuthBasic, Source: "admins.htpasswd"}},
		{line: `auth basic "my users"`, want: Auth{Kind: AuthBasic, Source: "my users"}},
		{line: "auth bearer API_TOKEN", want: Auth{Kind: AuthBearer, Source: "API_TOKEN", Env: true}},
		{line: "auth bearer ./tokens", want: Auth{Kind: AuthBearer, Source: "./tokens"}},
		{line: "auth header X-Key KEYS_2", want: Auth{Kind: AuthHeader, Field: "X-Key", Source: "KEYS_2", Env: true}},
		{line: "mtls clients.pem", want: MTLS{"clients.pem"}},
		{line: "token issuer.pem issuer issuer.example", want: Token{File: "issuer.pem", Type: 2, Issuer: "issuer.example", MaxAge: 5 * time.Minute}},
		{
			line:      `token "my keys" secret KEY maxage 600s origin a.example,b.example:8443 type 1 issuer issuer.example:444`,
			want:      Token{File: "my keys", Type: 1, Issuer: "issuer.example:444", Origins: []string{"a.example", "b.example:8443"}, MaxAge: 10 * time.Minute, Secret: "KEY", Env: true},
			canonical: `token "my keys" issuer issuer.example:444 type 1 origin a.example,b.example:8443 maxage 10m secret KEY`,
		},
		{line: "token k issuer i.example cross-origin secret ./s", want: Token{File: "k", Type: 2, Issuer: "i.example", CrossOrigin: true, MaxAge: 5 * time.Minute, Secret: "./s"}},
		{line: "cache 1m stale 30s", want: Cache{time.Minute, 30 * time.Second}},
		{line: "cache 60s", want: Cache{Fresh: time.Minute}, canonical: "cache 1m"},
		{line: "compress", want: Compress{}},
		{line: "compress off", want: Compress{Off: true}},
		{line: "retry 2", want: Retry{2}},
		{line: "balance round-robin", want: Balance{Method: RoundRobin}},
		{line: "balance least-conn", want: Balance{Method: LeastConn}},
		{line: "balance p2c", want: Balance{Method: TwoChoices}},
		{line: "balance hash ip", want: Balance{Method: HashIP}},
		{line: "balance hash path", want: Balance{Method: HashPath}},
		{line: "balance hash header X-User", want: Balance{HashHeader, "X-User"}},
		{line: "balance hash cookie session_id", want: Balance{HashCookie, "session_id"}},
		{line: "log off", want: Log{}},
		{line: "log 1%", want: Log{1000}},
		{line: "  log \t 0.5%  ", want: Log{500}, canonical: "log 0.5%"},
	} {
		t.Run(c.line, func(t *testing.T) {
			got, err := ParseLine(c.line)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, want %#v", got, c.want)
			}
			canonical := c.canonical
			if canonical == "" {
				canonical = c.line
			}
			if got.String() != canonical {
				t.Errorf("String gives %q, want %q", got.String(), canonical)
			}
			again, err := ParseLine(got.String())
			if err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("%q parses to %#v, %v", got.String(), again, err)
			}
			if name, _, _ := Split(c.line); name != got.Name() {
				t.Errorf("Name gives %q, want %q", got.Name(), name)
			}
		})
	}
}

func mustAllow(prefixes ...string) Allow {
	var a Allow
	for _, s := range prefixes {
		p, want, _ := ParsePrefix(s)
		if want != "" {
			panic(s)
		}
		a.Prefixes = append(a.Prefixes, p)
	}
	return a
}

// TestAvailable lists what this version does not carry out. Whoever makes a policy work takes it from here.
func TestAvailable(t *testing.T) {
	missing := map[string]bool{"cache 1s": true}
	for _, line := range []string{
		"limit 1/s", "conns 1", "body 1", "timeout 1s", "headers -A", "cors *", "allow ::1", "deny ::1", "auth basic f", "mtls f", "token f issuer i", "cache 1s",
		"compress", "retry 1", "balance round-robin", "balance least-conn", "balance p2c", "balance hash ip", "balance hash path", "balance hash header A",
		"balance hash cookie a", "log off",
	} {
		p, err := ParseLine(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if p.Available() == missing[line] {
			t.Errorf("%s: Available is %v", line, p.Available())
		}
	}
}

func TestSlots(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"limit 1/s per ip", "limit 2/s per ip", true},
		{"limit 1/s per ip", "limit 1/s per route", false},
		{"limit 1/s per header A", "limit 1/s per header a", true},
		{"limit 1/s per ip", "conns 1 per ip", false},
		{"conns 1", "conns 1 per ip", false},
		{"headers -A", "headers req -A", false},
		{"headers -A", "headers -B", true},
		{"allow ::1", "deny ::1", false},
		{"balance p2c", "balance hash ip", true},
		{"auth basic f", "auth bearer f", true},
	} {
		a, errA := ParseLine(c.a)
		b, errB := ParseLine(c.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if (a.Slot() == b.Slot()) != c.same {
			t.Errorf("%q and %q have the slots %q and %q", c.a, c.b, a.Slot(), b.Slot())
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		line string
		// at is the part of the line that the error is about.
		at      string
		suggest string
	}{
		{"", "", ""},
		{"limt 100/s", "limt", "limit"},
		{"  limt 100/s", "limt", "limit"},
		{"frob", "frob", ""},
		{"limit", "limit", ""},
		{"limit 100", "100", "100/s"},
		{"limit 100/s bust 5", "bust", "burst"},
		{"limit 100/s burst", "burst", ""},
		{"limit 100/s burst 0", "0", ""},
		{"limit 100/s burst 5 burst 6", "burst", ""},
		{"limit 100/s per", "per", ""},
		{"limit 100/s per heder X", "heder", "header"},
		{"limit 100/s per header", "header", ""},
		{"limit 100/s per header X:Y", "X:Y", ""},
		{"limit 0/s", "0", ""},
		{"conns many", "many", ""},
		{"conns 10 pre ip", "pre", "per"},
		{"conns 10 per ip now", "now", ""},
		{"body 10m", "10m", "10MiB"},
		{"body", "body", ""},
		{"timeout 5", "5", "5s"},
		{"timeout 0s", "0s", ""},
		{"timeout 5s 6s", "6s", ""},
		{"headers", "headers", ""},
		{"headers req", "req", ""},
		{"headers X-A=1", "X-A=1", "~X-A=1"},
		{"headers +X-A", "+X-A", ""},
		{"headers -X-A=1", "-X-A=1", ""},
		{"headers +=1", "+=1", ""},
		{"headers +X@A=1", "X@A", ""},
		{"headers ~Content-Length=1", "Content-Length", ""},
		{"headers ~X-A=\"a\x01b\"", "~X-A=\"a\x01b\"", ""},
		{`headers ~X-A=" a"`, `~X-A=" a"`, ""},
		{`headers ~"X A"=b`, `X A"`, ""},
		{`headers ~X-A="a`, `"a`, ""},
		{"headers req -Host", "-Host", ""},
		{"headers req +host=a", "+host=a", ""},
		{"headers req ~Host=", "~Host=", ""},
		{`headers req ~Host="a b"`, `~Host="a b"`, ""},
		{"headers req ~host=a/b", "~host=a/b", ""},
		{"headers req ~Host=a@b", "~Host=a@b", ""},
		{"headers req ~Host={host}/", "~Host={host}/", ""},
		{"headers req ~Host={client}", "{client}", ""},
		{"headers req ~X-A={upstream}", "{upstream}", ""},
		{"headers +X-A=b{clinet}", "{clinet}", "{client}"},
		{`headers +X-A="a \" {clinet} b"`, "{clinet}", "{client}"},
		{"headers +X-A=b{client", "{client", ""},
		{"headers req ~X-Real-IP=$remote_addr", "$remote_addr", "{client}"},
		{"cors", "cors", ""},
		{"cors credentials", "credentials", ""},
		{"cors app.example.com", "app.example.com", "https://app.example.com"},
		{"cors credentails https://a.example", "credentails", "credentials"},
		{"cors https://a.example/", "/", "https://a.example"},
		{"cors https://A.example", "https://A.example", "https://a.example"},
		{"cors https://a.example:443", "https://a.example:443", "https://a.example"},
		{"cors https://a.example:x", "x", ""},
		{"cors https://a..example", "https://a..example", ""},
		{"cors https://u@a.example", "@a.example", ""},
		{"cors 1http://a.example", "1http://a.example", ""},
		{"cors * credentials", "*", ""},
		{"cors * https://a.example", "*", ""},
		{"cors * maxage 1500ms", "1500ms", ""},
		{"cors * maxage", "maxage", ""},
		{"allow", "allow", ""},
		{"allow 10.0.0.1/8", "10.0.0.1/8", "10.0.0.0/8"},
		{"allow 10.0.0", "10.0.0", ""},
		{"allow fe80::1%eth0", "fe80::1%eth0", ""},
		{"deny all", "all", "0.0.0.0/0 ::/0"},
		{"deny 10.0.0.0/33", "10.0.0.0/33", ""},
		{"auth", "auth", ""},
		{"auth basik f", "basik", "basic"},
		{"auth basic", "basic", ""},
		{"auth bearer", "bearer", ""},
		{"auth header", "header", ""},
		{"auth header X-Key", "X-Key", ""},
		{"auth header X:Key F", "X:Key", ""},
		{"auth basic a b", "b", ""},
		{"mtls", "mtls", ""},
		{"token", "token", ""},
		{`token ""`, `""`, ""},
		{"token f", "f", ""},
		{"token f isuer i", "isuer", "issuer"},
		{"token f issuer", "issuer", ""},
		{"token f issuer https://i.example/", "https://i.example/", "i.example"},
		{"token f issuer I.example", "I.example", "i.example"},
		{"token f issuer i..example", "i..example", ""},
		{"token f issuer i issuer j", "issuer", ""},
		{"token f issuer i type 3", "3", ""},
		{"token f issuer i type", "type", ""},
		{"token f issuer i origin a,B", "B", "b"},
		{"token f issuer i origin a,", "a,", ""},
		{"token f issuer i origin a:0", "0", ""},
		{"token f issuer i origin a cross-origin", "cross-origin", ""},
		{"token f issuer i maxage 1s", "1s", ""},
		{"token f issuer i maxage 1500ms", "1500ms", ""},
		{"token f issuer i maxage 25h", "25h", ""},
		{"token f issuer i secret", "secret", ""},
		{`token f issuer i secret ""`, `""`, ""},
		{"cache", "cache", ""},
		{"cache 60", "60", "60s"},
		{"cache 60s stail 30s", "stail", "stale"},
		{"cache 60s stale", "stale", ""},
		{"compress on", "on", ""},
		{"compress of", "of", ""},
		{"retry", "retry", ""},
		{"retry 11", "11", ""},
		{"balance", "balance", ""},
		{"balance round-robbin", "round-robbin", "round-robin"},
		{"balance hash", "hash", ""},
		{"balance hash cookie", "cookie", ""},
		{"balance hash cookie a;b", "a;b", ""},
		{"balance hash coookie a", "coookie", "cookie"},
		{"balance hash header", "header", ""},
		{"balance hash header a:b", "a:b", ""},
		{"log", "log", ""},
		{"log 1", "1", "1%"},
		{"log of", "of", ""},
		{"log 101%", "101%", ""},
	} {
		t.Run(c.line, func(t *testing.T) {
			p, err := ParseLine(c.line)
			if err == nil {
				t.Fatalf("accepted as %#v", p)
			}
			if p != nil {
				t.Errorf("a policy came with the error: %#v", p)
			}
			if err.Off < 0 || err.Len < 0 || err.Off+err.Len > len(c.line) {
				t.Fatalf("the range %d+%d is outside of the line", err.Off, err.Len)
			}
			if at := c.line[err.Off : err.Off+err.Len]; at != c.at {
				t.Errorf("points at %q, want %q (%v)", at, c.at, err)
			}
			if err.Suggest != c.suggest {
				t.Errorf("suggests %q, want %q (%v)", err.Suggest, c.suggest, err)
			}
			if err.Msg == "" || err.Want == "" || !strings.HasPrefix(err.Error(), err.Msg) {
				t.Errorf("incomplete: %v", err)
			}
		})
	}
}

// TestParseArguments checks that Parse counts offsets from the arguments.
func TestParseArguments(t *testing.T) {
	p, err := Parse("limit", "100/s per ip")
	if err != nil || p.String() != "limit 100/s per ip" {
		t.Fatalf("Parse gives %v, %v", p, err)
	}
	_, err = Parse("limit", "100/s pre ip")
	if err == nil || err.Off != 6 || err.Len != 3 {
		t.Errorf("Parse gives %+v, want the range 6+3", err)
	}
	_, err = Parse("limt", "100/s")
	if err == nil || err.Off != 0 || err.Len != 0 || err.Suggest != "limit" {
		t.Errorf("Parse gives %+v, want an unknown name", err)
	}
}

func TestNames(t *testing.T) {
	want := "limit conns body timeout headers cors allow deny auth mtls token cache compress retry balance log"
	if got := strings.Join(Names(), " "); got != want {
		t.Errorf("Names gives %q, want %q", got, want)
	}
}
