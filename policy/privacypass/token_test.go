package privacypass

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func TestParseCredentials(t *testing.T) {
	list := vectors(t)
	rsa, voprf := unhex(t, list[0].Token), unhex(t, list[5].Token)
	b := base64.URLEncoding.EncodeToString(rsa)
	padded := base64.URLEncoding.EncodeToString(voprf)
	if !strings.HasSuffix(padded, "=") {
		t.Fatal("a token of type 1 has no padding")
	}
	for _, c := range []struct {
		name, value string
		present     bool
		want        []byte // nil if it is not taken
	}{
		{"quoted", `PrivateToken token="` + b + `"`, true, rsa},
		{"a token", "PrivateToken token=" + b, true, rsa},
		{"padding", `PrivateToken token="` + padded + `"`, true, voprf},
		{"no padding", `PrivateToken token=` + strings.TrimRight(padded, "="), true, voprf},
		{"another case", `privatetoken TOKEN="` + b + `"`, true, rsa},
		{"blanks", `PrivateToken  token = "` + b + `"`, true, rsa},
		{"extensions", `PrivateToken extensions="AAAA", token="` + b + `", x=y`, true, rsa},
		{"an empty parameter", `PrivateToken , token="` + b + `"`, true, rsa},
		{"nothing", "", false, nil},
		{"another scheme", "Basic dXNlcjpwYXNz", false, nil},
		{"a longer scheme", `PrivateTokens token="` + b + `"`, false, nil},
		{"the scheme alone", "PrivateToken", false, nil},
		{"no parameter", "PrivateToken ", true, nil},
		{"another parameter", `PrivateToken tokens="` + b + `"`, true, nil},
		{"twice", `PrivateToken token="` + b + `", token="` + b + `"`, true, nil},
		{"empty", `PrivateToken token=""`, true, nil},
		{"one quote", `PrivateToken token="`, true, nil},
		{"the other alphabet", `PrivateToken token="` + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, len(rsa))) + `"`, true, nil},
		{"short", `PrivateToken token="` + b[:len(b)-4] + `"`, true, nil},
		{"long", `PrivateToken token="` + b + `AAAA"`, true, nil},
		{"very long", `PrivateToken token="` + strings.Repeat("A", 4000) + `"`, true, nil},
		{"too much padding", `PrivateToken token="` + b + `==="`, true, nil},
		{"bits behind the end", `PrivateToken token="` + strings.TrimRight(padded, "=")[:194] + `_"`, true, nil},
		{"type 3", `PrivateToken token="` + base64.URLEncoding.EncodeToString(append([]byte{0, 3}, rsa[2:]...)) + `"`, true, nil},
		{"type 1 as long as type 2", `PrivateToken token="` + base64.URLEncoding.EncodeToString(append([]byte{0, 1}, rsa[2:]...)) + `"`, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tok Token
			present, ok := tok.ParseCredentials([]byte(c.value))
			if present != c.present || ok != (c.want != nil) {
				t.Fatalf("present %v, taken %v", present, ok)
			}
			if ok && !bytes.Equal(tok.raw[:tok.n], c.want) {
				t.Errorf("the token is %x", tok.raw[:tok.n])
			}
		})
	}
}

func FuzzParseCredentials(f *testing.F) {
	list := vectors(f)
	for _, v := range []vector{list[0], list[5]} {
		b := base64.URLEncoding.EncodeToString(unhex(f, v.Token))
		f.Add([]byte(`PrivateToken token="` + b + `"`))
		f.Add([]byte(`privatetoken a="\",", token=` + b))
	}
	f.Add([]byte(`PrivateToken token="AA==", token=`))
	f.Add([]byte("Basic dXNlcjpwYXNz"))
	f.Fuzz(func(t *testing.T, value []byte) {
		var tok, again Token
		present, ok := tok.ParseCredentials(value)
		if !ok {
			return
		}
		if !present || tok.n != size(tok.Type()) {
			t.Fatalf("a token of %d bytes and type %d is taken", tok.n, tok.Type())
		}
		canonical := append([]byte(`PrivateToken token="`), base64.URLEncoding.EncodeToString(tok.raw[:tok.n])...)
		if _, ok := again.ParseCredentials(append(canonical, '"')); !ok || again != tok {
			t.Fatalf("%q is not taken as it was", canonical)
		}
	})
}

// credentials is the Authorization field of a token.
func credentials(t *Token) []byte {
	return []byte(`PrivateToken token="` + base64.URLEncoding.EncodeToString(t.raw[:t.n]) + `"`)
}
