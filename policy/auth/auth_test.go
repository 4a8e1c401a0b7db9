package auth

import (
	"encoding/base64"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSHACrypt(t *testing.T) {
	// What openssl passwd gives for the passwords and salts of the specification, and others.
	for _, c := range []struct{ password, hash string }{
		{"Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
		{"Hello world!", "$5$rounds=10000$saltstringsaltstring$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"},
		{"This is just a test", "$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5"},
		{"we have a short salt string but not a short password", "$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/"},
		{"Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
		{"a very much longer text to encrypt.  This one even stretches over morethan one line.", "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1"},
		{"secret", "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG."},
		{"secret", "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM."},
	} {
		h, err := parseSHACrypt(c.hash)
		if err != nil {
			t.Errorf("%s: %v", c.hash, err)
			continue
		}
		if !h.matches([]byte(c.password)) {
			t.Errorf("%s is not found to be that of %q, which gives %s", c.hash, c.password, h.sum([]byte(c.password)))
		}
		if h.matches([]byte(c.password + "x")) {
			t.Errorf("%s matches another password", c.hash)
		}
	}
}

// file is what htpasswd -B and openssl passwd make.
const file = `# admins
ann:$2y$04$SpYU66wgjphMlERvTTIN1ee5egRKM34wuCgkkKjw.umfaAYCsbqbK

bob:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.:extra
`

func TestUsers(t *testing.T) {
	u, err := ParseUsers(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user, password string
		want           bool
	}{
		{"ann", "apple", true},
		{"bob", "secret", true},
		{"ann", "secret", false},
		{"bob", "apple", false},
		{"bob", "", false},
		{"eve", "apple", false},
		{"", "", false},
	} {
		if got := u.Check([]byte(c.user), []byte(c.password)); got != c.want {
			t.Errorf("%s with %q gives %v", c.user, c.password, got)
		}
	}
}

func TestKnown(t *testing.T) {
	u, err := ParseUsers(file)
	if err != nil {
		t.Fatal(err)
	}
	bob, secret := []byte("bob"), []byte("secret")
	if u.Known(bob, secret, 0) {
		t.Error("known before it was checked")
	}
	u.Remember(bob, secret, 5, 10)
	if !u.Known(bob, secret, 9) || u.Known(bob, secret, 10) {
		t.Error("not known until 10")
	}
	if u.Known(bob, []byte("secreu"), 9) || u.Known([]byte("bo"), []byte("bsecret"), 9) || u.Known([]byte("bob:"), []byte("secret"), 9) {
		t.Error("others are known")
	}
	// However many there are, those that came last are known.
	for i := range 20_000 {
		name := []byte{'u', byte(i), byte(i >> 8)}
		u.Remember(name, secret, 0, int64(1000+i))
		if !u.Known(name, secret, 0) {
			t.Fatalf("number %d is not known", i)
		}
	}
	if n := testing.AllocsPerRun(100, func() { u.Known(bob, secret, 9) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNobodyCostsAsMuch compares the time of a user who does not exist with
// that of one who does; it is a matter of milliseconds against nothing. It is
// the processor's time: what else a machine has to do is not measured.
func TestNobodyCostsAsMuch(t *testing.T) {
	u, err := ParseUsers("ann:$6$rounds=50000$abcdefgh$" + strings.Repeat(".", 86))
	if err != nil {
		t.Fatal(err)
	}
	measure := func(user string) time.Duration {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		spent := func() time.Duration {
			var r unix.Rusage
			if err := unix.Getrusage(unix.RUSAGE_THREAD, &r); err != nil {
				t.Fatal(err)
			}
			return time.Duration(r.Utime.Nano() + r.Stime.Nano())
		}
		best := time.Hour
		for range 3 {
			begin := spent()
			u.Check([]byte(user), []byte("password"))
			best = min(best, spent()-begin)
		}
		return best
	}
	exists, nobody := measure("ann"), measure("nobody")
	if nobody < exists/3 {
		t.Errorf("nobody takes %v, somebody %v", nobody, exists)
	}
}

func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "no user"},
		{"# nobody\n", "no user"},
		{"ann", "line 1 is not USER:HASH"},
		{"\n:x", "line 2 is not USER:HASH"},
		{file + "ann:$2y$04$SpYU66wgjphMlERvTTIN1ee5egRKM34wuCgkkKjw.umfaAYCsbqbK", `the user "ann" a second time`},
		{"a:$apr1$abc$def", "MD5"},
		{"a:{SHA}abc", "SHA-1"},
		{"a:plain", "not hashed"},
		{"a:$7$x", "not known"},
		{"a:$y$x", "not known"},
		{"a:$2y$04$short", "damaged"},
		{"a:$2y$31$IXFgcLxuUxdZYxVtlF7uO.3hpvJrmxVPQUVSlZjZJGy5L0Pg1cUpa", "cost 31"},
		{"a:$5$salt", "damaged"},
		{"a:$5$salt$abc", "damaged"},
		{"a:$5$rounds=10$salt$abc", "rounds"},
		{"a:$6$rounds=999999999$salt$abc", "999999999 rounds"},
	} {
		if _, err := ParseUsers(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q gives the error %v, want one with %q", c.text, err, c.want)
		}
	}
}

func TestTokens(t *testing.T) {
	tokens, err := ParseTokens("# keys\nfirst\n\n  second,half \n", false)
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]bool{"first": true, "second,half": true, "second": false, "# keys": false, "": false, "firs": false} {
		if tokens.Match([]byte(token)) != want {
			t.Errorf("%q gives %v", token, !want)
		}
	}
	if tokens, err = ParseTokens("a, b,,c", true); err != nil || !tokens.Match([]byte("b")) || !tokens.Match([]byte("c")) || tokens.Match(nil) {
		t.Errorf("a list gives %v", err)
	}
	for _, bad := range []string{"", "#\n", "a b", "\xff"} {
		if _, err := ParseTokens(bad, false); err == nil {
			t.Errorf("%q has tokens", bad)
		}
	}
	token := []byte("c")
	if n := testing.AllocsPerRun(100, func() { tokens.Match(token) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBasic(t *testing.T) {
	room := make([]byte, 0, MaxCredentials+3)
	encode := func(s string) []byte { return []byte(base64.StdEncoding.EncodeToString([]byte(s))) }
	for _, c := range []struct {
		token          []byte
		user, password string
		ok             bool
	}{
		{encode("ann:apple"), "ann", "apple", true},
		{encode("ann:a:b"), "ann", "a:b", true},
		{encode("ann:"), "ann", "", true},
		{encode("jürgen:ß"), "jürgen", "ß", true},
		{encode("ann"), "", "", false},
		{encode(":apple"), "", "", false},
		{encode("ann:a\nb"), "", "", false},
		{encode("a:" + strings.Repeat("x", MaxCredentials-2)), "a", strings.Repeat("x", MaxCredentials-2), true},
		{encode("a:" + strings.Repeat("x", MaxCredentials-1)), "", "", false},
		{[]byte("not base64!"), "", "", false},
		{nil, "", "", false},
	} {
		user, password, ok := Basic(room, c.token)
		if ok != c.ok || string(user) != c.user || string(password) != c.password {
			t.Errorf("%q gives %q, %q, %v", c.token, user, password, ok)
		}
	}
	value := []byte("basic  YTpi")
	if rest, ok := Scheme(value, "basic"); !ok || string(rest) != "YTpi" {
		t.Errorf("Scheme gives %q, %v", rest, ok)
	}
	for _, other := range []string{"Basic", "BasicYTpi", "Bearer x", ""} {
		if _, ok := Scheme([]byte(other), "basic"); ok {
			t.Errorf("%q is of the scheme Basic", other)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		rest, _ := Scheme(value, "basic")
		Basic(room, rest)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParseUsers(f *testing.F) {
	f.Add(file)
	f.Add("a:$5$rounds=1000$$" + strings.Repeat(".", 43))
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseUsers(text)
		if (u == nil) == (err == nil) {
			t.Fatal("neither users nor an error, or both")
		}
	})
}
