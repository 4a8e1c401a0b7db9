package control

import (
	"slices"

	"github.com/anygate/anygate/tlsedge"
)

// kernel is what the kernel does of TLS, as far as somebody wants it to.
type kernel struct {
	found *tlsedge.Kernel
	// remark is what an operator should know who has asked for it; empty if all of it is there.
	remark string
	// find stands in for the kernel in tests.
	find func() (*tlsedge.Kernel, error)
}

// records is what makes the records of connections, nil if the kernel does not. What has not been found is looked for
// again by the next configuration: modules can be loaded.
func (k *kernel) records() *tlsedge.Kernel {
	if k.found != nil {
		return k.found
	}
	find := k.find
	if find == nil {
		find = tlsedge.FindKernel
	}
	found, err := find()
	k.found, k.remark = found, ""
	switch {
	case err != nil:
		k.remark = "ktls: on has no effect: " + err.Error()
	case found.Lacks() != "":
		k.remark = "ktls: the kernel makes no records of " + found.Lacks() + ": connections with these cipher suites are served without it"
	}
	return found
}

// records is what makes the records of a listener's connections. All listeners have the same remark, which is made once.
func (c *compiler) records() *tlsedge.Kernel {
	found := c.reg.kernel.records()
	if r := c.reg.kernel.remark; r != "" && !slices.Contains(c.remarks, r) {
		c.remarks = append(c.remarks, r)
	}
	return found
}
