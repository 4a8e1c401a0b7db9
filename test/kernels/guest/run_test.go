package main

import (
	"reflect"
	"testing"

	"github.com/anygate/anygate/test/kernels/order"
)

func TestCount(t *testing.T) {
	var got order.Outcome
	count(&got, []byte("=== RUN   TestA\n=== RUN   TestA/part\n--- FAIL: TestA (0.10s)\n"+
		"    --- PASS: TestA/part (0.00s)\n        --- FAIL: TestA/other/with:_colon (0.10s)\n    a_test.go:3: status 500: --- PASS\n"+
		"--- PASS: TestB (0.00s)\n    --- SKIP: TestB/x (0.00s)\nFAIL\n"))
	want := order.Outcome{Passed: 2, Failed: []string{"TestA", "TestA/other/with:_colon"}, Skipped: []string{"TestB/x"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
