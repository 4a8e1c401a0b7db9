package gateway

import "testing"

func TestDeclaresHSTS(t *testing.T) {
	for block, want := range map[string]bool{
		"":                                    false,
		"A: 1\r\n":                            false,
		"Strict-Transport-Security: x\r\n":    true,
		"A: 1\r\nstrict-transport-SECURITY:y": true,
		"A: Strict-Transport-Security: x\r\n": false,
		"Strict-Transport-Securit: x\r\n":     false,
		"Strict-Transport-Security-X: y\r\n":  false,
		"Server: Strict-Transport-Security:\r\nStrict-Transport-Security: x\r\n": true,
	} {
		if got := declaresHSTS([]byte(block)); got != want {
			t.Errorf("%q: %v", block, got)
		}
	}
	block := []byte("Content-Type: text/html\r\nServer: x\r\nSet-Cookie: a=b\r\n")
	if n := testing.AllocsPerRun(100, func() { declaresHSTS(block) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
