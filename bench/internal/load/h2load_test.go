package load

import (
	"testing"
	"time"
)

func TestParseH2load(t *testing.T) {
	const output = `starting benchmark...
Application protocol: http/1.1

finished in 1.68s, 119330.10 req/s, 10.47MB/s
requests: 200000 total, 200000 started, 200000 done, 199990 succeeded, 10 failed, 4 errored, 1 timeout
status codes: 199990 2xx, 0 3xx, 6 4xx, 0 5xx
traffic: 17.55MB (18400000) total, 11.63MB (12200000) headers (space savings 0.00%), 0B (0) data
                     min         max         mean         sd        +/- sd
time for request:      100us     58.03ms      8.46ms     10.30ms    88.11%
time for connect:      239us      2.55ms      1.33ms       653us    57.81%
`
	got, err := parseH2load(output)
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests != 199_990 || got.Bytes != 18_400_000 || got.Elapsed != 1680*time.Millisecond || got.Max != 58_030*time.Microsecond ||
		got.Failures.Status != 6 || got.Failures.Read != 4 || got.Failures.Timeout != 1 {
		t.Errorf("parse = %+v", got)
	}
	for _, bad := range []string{"", "finished in 1s, 0 req/s", "could not connect"} {
		if _, err := parseH2load(bad); err == nil {
			t.Errorf("output %q was accepted", bad)
		}
	}
}
