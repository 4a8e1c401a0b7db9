package route_test

import (
	"fmt"

	"github.com/anygate/anygate/route"
)

// A route goes the whole way: from its line in the file to an upstream's path.
func Example() {
	head, err := route.ParseHead("GET /users/:id/*")
	if err != nil {
		panic(err)
	}
	action, _, err := route.ParseAction("http://api/v2/:id/ | limit 100/s per ip")
	if err != nil {
		panic(err)
	}
	rewrite, err := route.CompileRewrite(head, action.Targets[0])
	if err != nil {
		panic(err)
	}
	var b route.Builder
	b.Add(head, 0)
	table := b.Build()

	raw := []byte("/users/7/../%37/files/%7Ea")
	path, _ := route.Normalise(make([]byte, 0, len(raw)), raw)
	var m route.Match
	outcome := table.Match([]byte("GET"), []byte("Example.com:8443"), path, &m)
	fmt.Printf("%s: %v, upstream %s\n", path, outcome, rewrite.Append(nil, raw, path, &m))

	outcome = table.Match([]byte("PUT"), nil, path, &m)
	fmt.Printf("%s: %v, Allow: %s\n", path, outcome, table.AppendAllow(nil, nil, path))

	_, _, err = route.ParseAction("FORBIDEN")
	fmt.Println(err)
	// Output:
	// /users/7/files/~a: Found, upstream /v2/%37/files/%7Ea
	// /users/7/files/~a: MethodNotAllowed, Allow: GET, HEAD
	// unknown status "FORBIDEN" at byte 0: expected a status name or number, a directory, or an upstream URI; did you mean "FORBIDDEN"?
}
