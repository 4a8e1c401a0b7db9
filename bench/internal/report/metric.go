package report

import (
	"math"
	"strconv"
)

// Metric names a figure of a sample.
type Metric string

// The figures there are.
const (
	CPU        Metric = "cpu_us"
	UserCPU    Metric = "cpu_user_us"
	SystemCPU  Metric = "cpu_system_us"
	CoreCPU    Metric = "core_us"
	Throughput Metric = "requests_per_s"
	Bandwidth  Metric = "mib_per_s"
	Busy       Metric = "server_busy_percent"
	Others     Metric = "others_percent"
	P50        Metric = "p50_us"
	P90        Metric = "p90_us"
	P99        Metric = "p99_us"
	P999       Metric = "p999_us"
	Worst      Metric = "max_us"
	Offered    Metric = "offered_per_s"
	Late       Metric = "generator_late_us"
	PSS        Metric = "pss_mib"
	RSS        Metric = "rss_mib"
	PerIdle    Metric = "bytes_per_connection"
	PerPair    Metric = "kernel_bytes_per_pair"
	AcceptCPU  Metric = "accept_us_per_connection"
	ScaleUp    Metric = "scale_up"
	OneCPU     Metric = "cpu_us_per_request_on_one"
	OneRate    Metric = "requests_per_s_on_one"
	StartUp    Metric = "start_ms"
	PerCore    Metric = "per_core_and_s"
	PlainCPU   Metric = "cpu_plain_us"
	OfPlain    Metric = "times_plain"
	WithoutCPU Metric = "cpu_without_us"
	OfWithout  Metric = "times_without"
)

// Kind says how a metric is shown and read.
type Kind struct {
	// Title heads a column.
	Title string
	// Unit follows a figure in a chart.
	Unit string
	// Meaning is one sentence for the reader of the report.
	Meaning string
	// MoreIsBetter is false for costs.
	MoreIsBetter bool
	// Floor is a difference below which two figures are the same, whatever their ratio says.
	Floor float64
}

var kinds = map[Metric]Kind{
	CPU:        {Title: "CPU µs/req", Unit: "µs", Meaning: "processor time of all threads of the server's process tree, divided by requests served", Floor: 0.05},
	UserCPU:    {Title: "user", Unit: "µs", Meaning: "the part of it spent outside the kernel"},
	SystemCPU:  {Title: "system", Unit: "µs", Meaning: "the part of it spent in the kernel"},
	CoreCPU:    {Title: "core µs/req", Unit: "µs", Meaning: "time the server's processors were not idle, interrupts and kernel threads included, divided by requests"},
	Throughput: {Title: "req/s", Unit: "/s", Meaning: "requests answered per second; the server's own limit only where it was busy", MoreIsBetter: true},
	Bandwidth:  {Title: "MiB/s", Unit: "MiB/s", Meaning: "content and heads carried per second, uploads included", MoreIsBetter: true},
	Busy:       {Title: "busy %", Unit: "%", Meaning: "share of its processors' time that the server used; well below 100 the load generator or the upstream was the limit", MoreIsBetter: true},
	Others:     {Title: "others %", Unit: "%", Meaning: "share of the server's processors' time that went to anything but the server: interrupts, kernel threads, neighbours; the more, the less the row proves"},
	P50:        {Title: "p50 µs", Unit: "µs", Meaning: "half of all requests took no longer", Floor: 5},
	P90:        {Title: "p90 µs", Unit: "µs", Meaning: "nine of ten requests took no longer", Floor: 5},
	P99:        {Title: "p99 µs", Unit: "µs", Meaning: "99 of 100 requests took no longer", Floor: 10},
	P999:       {Title: "p99.9 µs", Unit: "µs", Meaning: "999 of 1,000 requests took no longer", Floor: 20},
	Worst:      {Title: "max µs", Unit: "µs", Meaning: "the slowest request", Floor: 50},
	Offered:    {Title: "offered/s", Unit: "/s", Meaning: "rate of the open loop's schedule", MoreIsBetter: true},
	Late:       {Title: "late µs", Unit: "µs", Meaning: "99th percentile of the generator's own delay, which is part of the latencies", Floor: 10},
	PSS:        {Title: "PSS MiB", Unit: "MiB", Meaning: "proportional resident memory of the process tree under this load", Floor: 0.2},
	RSS:        {Title: "RSS MiB", Unit: "MiB", Meaning: "resident memory of the process tree, shared pages counted in each process", Floor: 0.2},
	PerIdle:    {Title: "bytes/conn", Unit: "B", Meaning: "growth of proportional resident memory per idle connection", Floor: 16},
	PerPair:    {Title: "kernel B/pair", Unit: "B", Meaning: "growth of the kernel's slab caches per connection, for both of its ends: generator and server share the machine, and an end costs about half", Floor: 200},
	AcceptCPU:  {Title: "accept µs", Unit: "µs", Meaning: "processor time of the server for accepting a connection and answering its first request", Floor: 1},
	ScaleUp:    {Title: "scale-up", Unit: "times", Meaning: "throughput of all processors divided by that of one, server and generator on each in both cases", MoreIsBetter: true, Floor: 0.03},
	OneCPU:     {Title: "CPU µs/req on one", Unit: "µs", Meaning: "processor time of the server per request when it has one processor, which it shares with its load", Floor: 0.05},
	OneRate:    {Title: "req/s on one", Unit: "/s", Meaning: "requests answered per second by one processor that server and load share", MoreIsBetter: true},
	PerCore:    {Title: "per core and s", Unit: "/s", Meaning: "what a processor of the server's would do in a second if it did nothing else: a million by the processor time in microseconds", MoreIsBetter: true},
	PlainCPU:   {Title: "plain CPU µs/req", Unit: "µs", Meaning: "processor time for a file without a content coding, of the size of the coded form", Floor: 0.05},
	OfPlain:    {Title: "× plain", Unit: "times", Meaning: "processor time for the coded form divided by that for a file of its size", Floor: 0.03},
	WithoutCPU: {Title: "without, CPU µs/req", Unit: "µs", Meaning: "processor time per request of the same server without what the scenario is about", Floor: 0.05},
	OfWithout:  {Title: "× without", Unit: "times", Meaning: "processor time per request divided by that of the same server without what the scenario is about, in the same round", Floor: 0.01},
	StartUp:    {Title: "start ms", Unit: "ms", Meaning: "from the fork to the first answered request", Floor: 0.5},
}

// Kind describes the metric.
func (m Metric) Kind() Kind {
	if kind, known := kinds[m]; known {
		return kind
	}
	return Kind{Title: string(m)}
}

// Format writes a figure with three significant digits, and large ones in full.
func Format(value float64) string {
	magnitude := math.Abs(value)
	switch {
	case value == 0:
		return "0"
	case magnitude >= 9999.5:
		return group(strconv.FormatFloat(math.Round(value), 'f', 0, 64))
	case magnitude >= 99.95:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case magnitude >= 9.995:
		return strconv.FormatFloat(value, 'f', 1, 64)
	default:
		return strconv.FormatFloat(value, 'f', 2, 64)
	}
}

// group puts commas between thousands.
func group(digits string) string {
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
