package integration

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/anygate/anygate/test/internal/product"
)

// engines are those that every test runs on.
var engines []product.Engine

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == refuseCommand {
		refuseRing(os.Args[2:]) // does not return
	}
	if len(os.Args) > 1 && os.Args[1] == filterCommand {
		installFilter(os.Args[2:]) // does not return
	}
	flag.Parse()
	widen()
	os.Exit(run(m))
}

// widen lets more tests run at a time than there are processors, unless the command line says how many: most of the time
// they wait, for processes to start or for timeouts to pass.
func widen() {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", "12")
	}
}

func run(m *testing.M) int {
	var err error
	if engines, err = product.Engines(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	remove, err := product.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer remove()
	fmt.Printf("testing %s on %v\n", product.Binary(), engines)
	return m.Run()
}

// eachEngine runs a test once for each engine, one after the other.
func eachEngine(t *testing.T, f func(t *testing.T, e product.Engine)) {
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) { f(t, e) })
	}
}

// eachEngineParallel is for tests that do not mind what else the machine is doing.
func eachEngineParallel(t *testing.T, f func(t *testing.T, e product.Engine)) {
	t.Parallel()
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			f(t, e)
		})
	}
}
