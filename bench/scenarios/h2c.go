package scenarios

import (
	"fmt"

	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// h2cFixed asks for a fixed answer over HTTP/2 without TLS.
func h2cFixed(connections, streams int) *Scenario {
	return overH2C(&Scenario{
		Name:  fmt.Sprintf("h2c-fixed-%dx%d", connections, streams),
		Title: fmt.Sprintf("Fixed answer over HTTP/2 without TLS, %d connections with %s each", connections, requestsUnderWay(streams)),
		About: "What multiplexing is worth: requests that come together are answered together.",
		Needs: peers.Fixed | peers.H2C,
		Ask:   get("/fixed", 2),
	}, connections, streams)
}

// h2cStatic asks for a file in the same way.
func h2cStatic(size, extension string, bytes int64, connections, streams int) *Scenario {
	needs := peers.SmallFile
	if bytes > 16*trial.KiB {
		needs = peers.LargeFile
	}
	return overH2C(&Scenario{
		Name:  fmt.Sprintf("h2c-static-%s-%dx%d", size, connections, streams),
		Title: fmt.Sprintf("File of %d KiB over HTTP/2 without TLS, %d connections with %s each", bytes/trial.KiB, connections, requestsUnderWay(streams)),
		About: "A file that is hot in the page cache, in frames and by windows.",
		Needs: needs | peers.H2C,
		Ask:   get("/static/"+size+"."+extension, bytes),
	}, connections, streams)
}

func overH2C(s *Scenario, connections, streams int) *Scenario {
	s.Ask.H2C = true
	s.Lead = report.CPU
	s.Columns = multiplexed()
	s.Run = underH2load(load.H2load{Connections: connections, Streams: streams})
	return s
}

// multiplexed are the columns of a scenario driven by h2load with many streams.
func multiplexed() []report.Metric {
	return []report.Metric{
		report.UserCPU, report.SystemCPU, report.Throughput, report.Bandwidth, report.Busy, report.Others, report.Worst, report.PSS,
	}
}

func requestsUnderWay(n int) string {
	if n == 1 {
		return "one request under way"
	}
	return fmt.Sprintf("%d requests under way", n)
}
