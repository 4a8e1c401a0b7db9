package static

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/anygate/anygate/static/coding"
)

// TestFormsAtRandom has a small cache, with hardly any memory, do everything in any
// order: each answer is whole and of one version and one coding, what is retained stays as it
// is, and nothing is left in the end.
func TestFormsAtRandom(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { randomForms(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func randomForms(t *testing.T, random *rand.Rand) {
	f := newCodingFixture(t, Options{}, nil)
	f.openMaking(StoreOptions{Entries: minEntries, Descriptors: 4, FormBytes: 200_000, FormDescriptors: 2})
	accepts := []string{"", browser, "gzip", "zstd, br;q=0.1", "gzip;q=0.5, identity;q=0", "*"}
	version := 0
	// content says what it is, in its first line and in every other.
	content := func(name string, size int) string {
		version++
		return strings.Repeat(fmt.Sprintf("%s version %d\n", name, version), size/20)
	}
	names := make([]string, 12)
	for i := range names {
		names[i] = fmt.Sprintf("f%d.js", i)
		f.write(names[i], content(names[i], 3000))
	}
	type kept struct {
		e    *Entry
		mem  []byte
		want string
	}
	var retained []kept
	release := func() {
		k := retained[0]
		retained = retained[1:]
		if string(k.mem) != k.want {
			t.Fatal("what was retained has changed")
		}
		f.cache.ReleaseToken(k.e.Token())
	}
	for range 1500 {
		name := names[random.IntN(len(names))]
		if len(retained) > 30 {
			release()
		}
		switch n := random.IntN(100); {
		case n < 60:
			path := "/" + name
			if n < 6 {
				path = strings.Replace(path, "f", "%66", 1)
			}
			a := f.ask(path, accepts[random.IntN(len(accepts))])
			if a.Status == 503 && f.lost {
				break
			}
			if a.Status != 200 {
				t.Fatalf("%s: %d", path, a.Status)
			}
			got := body(t, a)
			wholeAndNamed(t, a, name, got)
			if a.Mem != nil && n < 20 {
				f.cache.Retain(a.Entry)
				retained = append(retained, kept{a.Entry, a.Mem, got})
			}
		case n < 75:
			f.answerOne(random)
		case n < 80:
			f.replace(name, content(name, 2000+random.IntN(60_000)))
		case n < 83:
			for k := coding.Brotli; k < coding.Count; k++ {
				f.replace(name+k.Suffix(), fmt.Sprintf("%s beside %s", k, name))
			}
		case n < 90:
			f.now++
			f.finish()
		case n < 91:
			f.pass(idlePasses + 1)
		case n < 92:
			f.store.shed()
		case n < 93:
			f.pass(1)
		case n < 94:
			f.lost = !f.lost
		case n < 95:
			f.refuses = !f.refuses
		case len(retained) > 0:
			release()
		}
		if c := f.store.Counts(); c.Files > minEntries || c.Minor > f.store.most[rankMinor] || c.FormBytes > 200_000 {
			t.Fatalf("%+v", c)
		}
	}
	for len(retained) > 0 {
		release()
	}
	f.giveUp()
	if f.finish(); f.store.Counts().Leaving != 0 {
		t.Errorf("%+v", f.store.Counts())
	}
	f.pass(idleFormsMost + 1)
	if c := f.store.Counts(); c.Files+c.Minor+c.Leaving != 0 || c.Bytes+c.FormBytes != 0 {
		t.Errorf("at the end: %+v", c)
	}
}

// wholeAndNamed wants content to be of the named file, of one version, and of the
// coding and the length that the head says.
func wholeAndNamed(t *testing.T, a *Answer, name, got string) {
	t.Helper()
	if int64(len(got)) != a.Length {
		t.Fatalf("%s: %d of %d octets", name, len(got), a.Length)
	}
	switch k := field(a, "Content-Encoding"); {
	case k == "":
		line, _, _ := strings.Cut(got, "\n")
		if !strings.HasPrefix(line, name+" version ") || strings.Count(got, line+"\n")*(len(line)+1) != len(got) {
			t.Fatalf("%s is %.40q", name, got)
		}
	case got == k+" beside "+name:
	case !strings.HasPrefix(got, k+" of ") || !strings.Contains(got[:30], ": "+name):
		t.Fatalf("%s, %s: %.60q", name, k, got)
	}
}

// answerOne answers one of the jobs: with a form, or that there is none.
func (f *codingFixture) answerOne(random *rand.Rand) {
	f.t.Helper()
	if len(f.jobs) == 0 {
		return
	}
	i := random.IntN(len(f.jobs))
	j := f.jobs[i]
	f.jobs = append(f.jobs[:i], f.jobs[i+1:]...)
	var o Coded
	switch random.IntN(10) {
	case 0:
		o.Useless = true
	case 1:
	default:
		b := make([]byte, j.Size())
		if n, err := j.ReadAt(b, 0); n != len(b) || err != nil {
			f.t.Fatalf("%d of %d, %v", n, len(b), err)
		}
		o.Content = []byte(standIn(j.Coding(), string(b)) + strings.Repeat(" ", len(b)*2/3))
	}
	j.Reply(o)
}
