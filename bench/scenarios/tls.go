package scenarios

import (
	"crypto/tls"
	"fmt"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// overTLS has a request go over TLS 1.3, with an ECDSA key on P-256 and X25519.
func overTLS(ask trial.Ask) trial.Ask {
	ask.Key, ask.Secure = trial.ECDSA, &generate.Secure{Name: "bench.example", Group: tls.X25519}
	return ask
}

func tls1K() *Scenario {
	return &Scenario{
		Name:    "tls-1k",
		Title:   "File of 1 KiB over TLS 1.3, 64 connections",
		About:   "Keep-alive, TLS_AES_128_GCM_SHA256: what a record costs beside a request.",
		Needs:   peers.SmallFile | peers.TLS,
		Ask:     overTLS(get("/static/1k.txt", 1*trial.KiB)),
		Lead:    report.CPU,
		Columns: closedLoop(),
		Run:     underWrk(load.Wrk{Connections: 64}),
	}
}

func tls64K() *Scenario {
	return &Scenario{
		Name:    "tls-64k",
		Title:   "File of 64 KiB over TLS 1.3, 64 connections",
		About:   "Keep-alive, TLS_AES_128_GCM_SHA256: a few records for each answer.",
		Needs:   peers.LargeFile | peers.TLS,
		Ask:     overTLS(get("/static/64k.bin", 64*trial.KiB)),
		Lead:    report.CPU,
		Columns: transfers(),
		Run:     underWrk(load.Wrk{Connections: 64}),
	}
}

func tls10M() *Scenario {
	return &Scenario{
		Name:    "tls-10m",
		Title:   "File of 10 MiB over TLS 1.3, 16 connections",
		About:   "A download, TLS_AES_128_GCM_SHA256: encryption, copies and back-pressure. The generator, which decrypts, is the limit; the cost per request says what a processor could carry.",
		Needs:   peers.LargeFile | peers.TLS,
		Ask:     overTLS(get("/static/10m.bin", 10*trial.MiB)),
		Lead:    report.CPU,
		Columns: transfers(),
		Run:     underWrk(load.Wrk{Connections: 16}),
	}
}

// h2TLS asks for a file over HTTP/2 and TLS.
func h2TLS(size, extension string, bytes int64, connections, streams int) *Scenario {
	needs := peers.SmallFile
	if bytes > 16*trial.KiB {
		needs = peers.LargeFile
	}
	ask := overTLS(get("/static/"+size+"."+extension, bytes))
	ask.H2 = true
	return &Scenario{
		Name:    fmt.Sprintf("h2-tls-%s-%dx%d", size, connections, streams),
		Title:   fmt.Sprintf("File of %d KiB over HTTP/2 and TLS 1.3, %d connections with %s each", bytes/trial.KiB, connections, requestsUnderWay(streams)),
		About:   "What browsers do: frames in records, TLS_AES_128_GCM_SHA256, requests that come together answered together.",
		Needs:   needs | peers.TLS | peers.H2,
		Ask:     ask,
		Lead:    report.CPU,
		Columns: multiplexed(),
		Run:     underH2load(load.H2load{Connections: connections, Streams: streams}),
	}
}
