package soak

import (
	"fmt"
	"os"
	"testing"

	"github.com/anygate/anygate/test/internal/product"
)

var engines []product.Engine

func TestMain(m *testing.M) { os.Exit(run(m)) }

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
	return m.Run()
}
