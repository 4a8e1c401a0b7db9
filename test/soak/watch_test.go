package soak

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/product"
)

// interval is how often a run is looked at. Whoever scrapes more than five times a second is told the same again.
const interval = 250 * time.Millisecond

// stall is what no turn of a loop may take. It is a bound of the histogram's buckets.
const stall = 10 * time.Millisecond

// sample is the product at a moment.
type sample struct {
	at                                time.Time
	resident, goroutines, descriptors float64
	// long are how many turns there were above each bound from stall on, of all shards.
	long map[time.Duration]float64
	// ran and waits are how long each thread had a processor, and stood ready without; shards are those that are pinned.
	ran    map[int]time.Duration
	waits  map[int]time.Duration
	shards map[int]bool
	stolen time.Duration
}

// watch looks at a server again and again.
type watch struct {
	s       *product.Server
	admin   string
	samples []sample
	pinned  map[int]bool // by thread, once known
	excuses []excuse     // of the intervals

	stalls stalls
}

// stalls are the long turns of a run, by what excuses them.
type stalls struct {
	shard, other, stolen, none int
	told                       []string
}

// excuse is how long somebody waited for a processor. How long a shard had one is none, but tells what it did not wait for.
type excuse struct {
	from                      time.Time
	shard, other, stolen, ran time.Duration
}

func newWatch(t *testing.T, s *product.Server) *watch {
	t.Helper()
	_, address, _ := strings.Cut(strings.TrimSpace(s.Stderr.Line(t, "the admin API is there")), "address=")
	return &watch{s: s, admin: "http://" + address, pinned: make(map[int]bool)}
}

// metrics reads all series.
func (w *watch) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	client := http.Client{Timeout: patience}
	r, err := client.Get(w.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	series, err := parse(r.Body)
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("%s, %v", r.Status, err)
	}
	return series
}

// parse reads the text format of Prometheus.
func parse(text io.Reader) (map[string]float64, error) {
	series := make(map[string]float64)
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := lines.Text()
		cut := strings.LastIndexByte(line, ' ')
		if cut < 0 || line[0] == '#' {
			continue
		}
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		series[line[:cut]] = value
	}
	return series, lines.Err()
}

// turns counts the turns above each bound from stall on.
func turns(series map[string]float64) map[time.Duration]float64 {
	const name = "anygate_shard_turn_seconds_bucket{"
	long := make(map[time.Duration]float64)
	for key, value := range series {
		rest, ok := strings.CutPrefix(key, name)
		if !ok {
			continue
		}
		shard := field(rest, "shard")
		bound, err := strconv.ParseFloat(field(rest, "le"), 64)
		if d := time.Duration(bound * float64(time.Second)); err == nil && d >= stall && bound < 3600 {
			long[d] += series[`anygate_shard_turn_seconds_count{shard="`+shard+`"}`] - value
		}
	}
	return long
}

// field is the value of a label.
func field(labels, name string) string {
	_, rest, _ := strings.Cut(labels, name+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// look takes a sample.
func (w *watch) look(t *testing.T) {
	t.Helper()
	series := w.metrics(t)
	n := sample{
		at:       time.Now(),
		resident: float64(w.s.Memory(t).Resident), goroutines: series["go_goroutines"], descriptors: float64(w.s.Descriptors(t)),
		long: turns(series), ran: make(map[int]time.Duration), waits: make(map[int]time.Duration), shards: make(map[int]bool), stolen: stolen(t),
	}
	if len(n.long) == 0 || n.goroutines == 0 {
		t.Fatal("the metrics say nothing of turns or goroutines")
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", w.s.PID()))
	if err != nil || len(tasks) == 0 {
		t.Fatalf("no threads, %v", err)
	}
	for _, task := range tasks {
		id, _ := strconv.Atoi(filepath.Base(task))
		if ran, wait, ok := scheduled(task); ok {
			n.ran[id], n.waits[id] = ran, wait
		}
		if _, known := w.pinned[id]; !known {
			w.pinned[id] = pinned(task)
		}
		n.shards[id] = w.pinned[id]
	}
	if len(w.samples) > 0 {
		w.compare(&w.samples[len(w.samples)-1], &n)
	}
	w.samples = append(w.samples, n)
}

// scheduled reads for how long a thread ran, and was ready to and did not (Documentation/scheduler/sched-stats.rst).
func scheduled(task string) (ran, waited time.Duration, ok bool) {
	text, err := os.ReadFile(task + "/schedstat")
	if err != nil {
		return 0, 0, false // It has ended.
	}
	_, err = fmt.Sscan(string(text), (*int64)(&ran), (*int64)(&waited))
	return ran, waited, err == nil
}

// pinned reports whether a thread may use one processor only, as shards do where there is one for each.
func pinned(task string) bool {
	text, err := os.ReadFile(task + "/status")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), "Cpus_allowed_list:")
	list, _, _ := strings.Cut(rest, "\n")
	return !strings.ContainsAny(list, ",-")
}

// stolen reads how long other guests of the hypervisor had our processors.
func stolen(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	words := strings.Fields(line)
	if len(words) < 9 {
		t.Fatalf("/proc/stat begins with %q", line)
	}
	n, err := strconv.ParseInt(words[8], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * (time.Second / 100) // USER_HZ is 100 wherever Linux runs.
}

// compare counts the long turns between two samples. A turn is counted when it is over: what excuses it may have happened
// since it began, and metrics may be as old as an interval.
func (w *watch) compare(before, now *sample) {
	e := excuse{from: before.at}
	for id, wait := range now.waits {
		if d := wait - before.waits[id]; now.shards[id] {
			e.shard, e.ran = max(e.shard, d), max(e.ran, now.ran[id]-before.ran[id])
		} else {
			e.other = max(e.other, d)
		}
	}
	e.stolen = now.stolen - before.stolen
	w.excuses = append(w.excuses, e)
	n := int(now.long[stall] - before.long[stall])
	if n == 0 {
		return
	}
	since := before.at.Add(-interval - most(before.long, now.long))
	var all excuse
	for _, e := range slices.Backward(w.excuses) {
		all.shard, all.other, all.stolen, all.ran = all.shard+e.shard, all.other+e.other, all.stolen+e.stolen, all.ran+e.ran
		if e.from.Before(since) {
			break
		}
	}
	w.stalls.judge(n, least(before.long, now.long), all, now.at.Sub(w.samples[0].at))
}

// most is what the longest of the turns may have taken which are above the bounds now and were not before.
func most(before, now map[time.Duration]float64) time.Duration {
	longest, next := time.Duration(0), time.Duration(math.MaxInt64)
	for b := range now {
		if now[b] > before[b] {
			longest = max(longest, b)
		}
	}
	for b := range now {
		if b > longest {
			next = min(next, b)
		}
	}
	return min(next, 2*longest+interval)
}

// least is the least time that the turns took which are above the bounds now and were not before.
func least(before, now map[time.Duration]float64) (sum time.Duration) {
	bounds := make([]time.Duration, 0, len(now))
	for b := range now {
		bounds = append(bounds, b)
	}
	slices.Sort(bounds)
	last := time.Duration(0)
	for _, b := range bounds {
		// Each turn above a bound is above all smaller ones too, and adds what lies between.
		sum += time.Duration(now[b]-before[b]) * (b - last)
		last = b
	}
	return sum
}

// judge decides what excuses long turns that took at least so much.
func (s *stalls) judge(n int, took time.Duration, e excuse, at time.Duration) {
	switch enough := took / 2; {
	case e.shard >= enough:
		s.shard += n
	case e.other >= enough:
		s.other += n
	case e.stolen >= enough:
		s.stolen += n
	default:
		s.none += n
		s.told = append(s.told, fmt.Sprintf("after %s: %d turns of %s or more; a shard ran for %s and waited for %s, another thread waited for %s, and %s were stolen",
			at.Round(time.Millisecond), n, took, e.ran, e.shard, e.other, e.stolen))
	}
}

func (s *stalls) String() string {
	return fmt.Sprintf("%d turns over %s: %d while a shard's thread waited for a processor, %d while another thread did, %d stolen, %d without an excuse",
		s.shard+s.other+s.stolen+s.none, stall, s.shard, s.other, s.stolen, s.none)
}

// of are the figures of a run, in thirds: the first warms up.
func (w *watch) of(f func(*sample) float64) (middle, last []float64) {
	third := len(w.samples) / 3
	for i := range w.samples {
		switch v := f(&w.samples[i]); i / third {
		case 0:
		case 1:
			middle = append(middle, v)
		default:
			last = append(last, v)
		}
	}
	slices.Sort(middle)
	slices.Sort(last)
	return middle, last
}

func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

// TestParse, TestLeast and TestExcuses are the tests of the test.
func TestParse(t *testing.T) {
	series, err := parse(strings.NewReader("# HELP a b\na{le=\"0.01\",shard=\"1\"} 3\nb 1e+06\n"))
	if err != nil || len(series) != 2 || series[`a{le="0.01",shard="1"}`] != 3 || series["b"] != 1e6 {
		t.Errorf("%v, %v", series, err)
	}
	long := turns(map[string]float64{
		`anygate_shard_turn_seconds_bucket{shard="0",le="0.005"}`: 90, `anygate_shard_turn_seconds_bucket{shard="0",le="0.01"}`: 95,
		`anygate_shard_turn_seconds_bucket{shard="0",le="0.025"}`: 99, `anygate_shard_turn_seconds_bucket{shard="0",le="+Inf"}`: 100,
		`anygate_shard_turn_seconds_count{shard="0"}`: 100,
	})
	if len(long) != 2 || long[stall] != 5 || long[25*time.Millisecond] != 1 {
		t.Errorf("%v", long)
	}
}

func TestLeast(t *testing.T) {
	before := map[time.Duration]float64{stall: 1, 25 * time.Millisecond: 0, 50 * time.Millisecond: 0}
	now := map[time.Duration]float64{stall: 4, 25 * time.Millisecond: 2, 50 * time.Millisecond: 1}
	if got, want := least(before, now), (10+25+50)*time.Millisecond; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := most(before, now), 100*time.Millisecond+interval; got != want {
		t.Errorf("at most %s, want %s", got, want)
	}
	now[100*time.Millisecond] = 0
	if got, want := most(before, now), 100*time.Millisecond; got != want {
		t.Errorf("at most %s, want %s", got, want)
	}
}

func TestExcuses(t *testing.T) {
	var s stalls
	s.judge(1, 20*time.Millisecond, excuse{shard: 10 * time.Millisecond}, 1)
	s.judge(2, 20*time.Millisecond, excuse{shard: 9 * time.Millisecond, other: 11 * time.Millisecond}, 2)
	s.judge(3, 20*time.Millisecond, excuse{stolen: time.Second}, 3)
	s.judge(4, 20*time.Millisecond, excuse{shard: 9 * time.Millisecond, other: 9 * time.Millisecond, stolen: 9 * time.Millisecond, ran: time.Second}, 4)
	if s.shard != 1 || s.other != 2 || s.stolen != 3 || s.none != 4 || len(s.told) != 1 {
		t.Error(s.String())
	}
}
