package integration

import (
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
	os.Exit(run(m))
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
