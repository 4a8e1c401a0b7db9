package scenarios

import (
	"context"

	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/stats"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// starts is how often a server is started in each round; the round's figure is their median.
const starts = 5

func startUp() *Scenario {
	return &Scenario{
		Name:    "start-up",
		Title:   "Start-up",
		About:   "From the fork to the first answered request, the program hot in the page cache; the median of five starts in each round.",
		Needs:   peers.Fixed,
		Ask:     get("/fixed", 2),
		Lead:    report.StartUp,
		Columns: []report.Metric{report.PSS, report.RSS},
		Run: func(ctx context.Context, t *trial.Trial) (report.Sample, error) {
			var milliseconds, pss, rss []float64
			for range starts {
				server, err := t.Start(ctx)
				if err != nil {
					return report.Sample{}, err
				}
				memory, err := server.Memory()
				server.Stop()
				if err != nil {
					return report.Sample{}, err
				}
				milliseconds = append(milliseconds, server.StartUp().Seconds()*1000)
				pss = append(pss, float64(memory.PSS)/trial.MiB)
				rss = append(rss, float64(memory.RSS)/trial.MiB)
			}
			return report.Sample{Round: t.Round, Figures: map[report.Metric]float64{
				report.StartUp: stats.Median(milliseconds),
				report.PSS:     stats.Median(pss),
				report.RSS:     stats.Median(rss),
			}}, nil
		},
	}
}
