package control

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/anygate/anygate/tlsedge"
)

// TestKernelIsLookedForAgain until it has been found, and says what it lacks.
func TestKernelIsLookedForAgain(t *testing.T) {
	var k kernel
	calls := 0
	k.find = func() (*tlsedge.Kernel, error) {
		if calls++; calls == 1 {
			return nil, errors.New("try modprobe tls")
		}
		return new(tlsedge.Kernel), nil
	}
	if k.records() != nil || k.remark != "ktls: on has no effect: try modprobe tls" {
		t.Errorf("the remark is %q", k.remark)
	}
	found := k.records()
	if want := "no records of AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305:"; found == nil || !strings.Contains(k.remark, want) {
		t.Errorf("the remark is %q, want %q in it", k.remark, want)
	}
	if k.records() != found || calls != 2 {
		t.Errorf("looked for %d times", calls)
	}
}

// TestReloadLooksForTheKernel has the reload that turns it on say that it is not there, once for two listeners, and the
// next one find it. Without it everything is served as before.
func TestReloadLooksForTheKernel(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		r := startReloading(t, tlsSite(t), fmt.Sprintf(tlsText, "", engine, "", ""))
		calls, loaded := 0, false
		r.registry.kernel.find = func() (*tlsedge.Kernel, error) {
			if calls++; loaded {
				return new(tlsedge.Kernel), nil
			}
			return nil, errors.New("try modprobe tls")
		}
		text := fmt.Sprintf(tlsText, `, "127.0.0.3:0 tls"`, engine, "  ktls: on", "")
		const remark = "! ktls: on has no effect: try modprobe tls\n"
		for _, dry := range []bool{true, false} {
			report, err := r.change(text, dry)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(report.String(), remark) != 1 {
				t.Errorf("the report is\n%s", report)
			}
		}
		waitFor(t, "the log says so", func() bool {
			return strings.Contains(r.err.String(), "reload: ktls: on has no effect: try modprobe tls")
		})
		resp, err := r.client(t, "a.test", nil).Get("https://a.test/hello")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		loaded, calls = true, 0
		report, err := r.change(text, false)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(report.String(), "has no effect") || calls != 1 {
			t.Errorf("looked %d times; the report is\n%s", calls, report)
		}
		for i := range r.generation.Load().Settings.Listeners {
			if s := r.generation.Load().Settings.Listeners[i].TLS; s != nil && s.Kernel == nil {
				t.Errorf("the kernel makes no records of listener %d", i)
			}
		}
	})
}
