package main

import (
	"github.com/anygate/anygate/test/kernels/order"
)

// kernel is a release of Debian whose kernel is tested: linux-image-cloud-amd64, the one for virtual machines.
type kernel struct {
	name  string // as people call it; the package's version is found out
	suite string
}

var (
	linux6_1  = kernel{"6.1", "bookworm"}
	linux6_12 = kernel{"6.12", "trixie"}
)

// boot is one start of a kernel, and what is expected of AnyGate there.
type boot struct {
	kernel        kernel
	circumstances string
	modules       []string
	settings      []order.Setting
	user          uint32
	lockedMemory  *uint64
	expect        expectation
	programs      []order.Program
}

// expectation is what `anygate version` says on a kernel. A feature that is missing is as wrong as one too many: both
// mean that the probe does not see what is there.
type expectation struct {
	engine string
	// setUp are the flags of the ring, and lacks the features that the engine does without. Both of io_uring only.
	setUp, lacks string
	// because is part of the reason for epoll.
	because string
}

const nobody = 65534

var none uint64

const (
	setUp6_1 = "single_issuer|defer_taskrun|coop_taskrun|submit_all|clamp|cqsize"
	setUp6_6 = "single_issuer|defer_taskrun|coop_taskrun|no_sqarray|submit_all|clamp|cqsize"
)

// boots is the matrix.
var boots = []boot{
	{
		kernel: linux6_1, circumstances: "as it comes, with kTLS",
		modules:  kernelTLS,
		expect:   expectation{engine: "io_uring", setUp: setUp6_1},
		programs: onRing,
	},
	{
		kernel: linux6_1, circumstances: "unprivileged, no locked memory",
		user: nobody, lockedMemory: &none,
		expect:   expectation{engine: "io_uring", setUp: setUp6_1, lacks: "zero-copy send"},
		programs: anywhere,
	},
	{
		kernel: linux6_12, circumstances: "as it comes, with kTLS",
		modules:  kernelTLS,
		expect:   expectation{engine: "io_uring", setUp: setUp6_6},
		programs: onRing,
	},
	{
		kernel: linux6_12, circumstances: "io_uring_disabled=1, unprivileged",
		settings: []order.Setting{{Path: "kernel/io_uring_disabled", Value: "1"}}, user: nobody,
		expect:   expectation{engine: "epoll", because: "disabled for unprivileged processes by the sysctl kernel.io_uring_disabled=1"},
		programs: anywhere,
	},
	{
		kernel: linux6_12, circumstances: "io_uring_disabled=2",
		settings: []order.Setting{{Path: "kernel/io_uring_disabled", Value: "2"}},
		expect:   expectation{engine: "epoll", because: "disabled for every process by the sysctl kernel.io_uring_disabled=2"},
		programs: withoutRing,
	},
}

// versionName is the program whose output is held against the expectation.
const versionName = "anygate version"

var (
	version = order.Program{Name: versionName, Arguments: []string{"/bin/anygate", "version"}}
	smoke   = tests("smoke", "", "ANYGATE_TEST_BINARY=/bin/anygate")
	// The machine is root's and ours: its clock may be set.
	clocked = tests("smoke", "", "ANYGATE_TEST_BINARY=/bin/anygate", "ANYGATE_TEST_CLOCK=set")
	withTLS = tests("smoke", "", "ANYGATE_TEST_BINARY=/bin/anygate", "ANYGATE_TEST_CLOCK=set", "ANYGATE_TEST_KTLS=on")
	records = tests("tlsedge", "TestKernelsRecords|TestLoopback", "ANYGATE_TEST_KTLS=on")
	uring   = tests("uring", "")
	epoll   = tests("epoll", "")

	anywhere    = []order.Program{version, smoke}
	onRing      = []order.Program{version, withTLS, records, uring, tests("engine", loops, "ANYGATE_TEST_ENGINES=io_uring")}
	withoutRing = []order.Program{version, clocked, epoll, tests("engine", loops, "ANYGATE_TEST_ENGINES=epoll")}
)

// kernelTLS is what a kernel makes records of TLS with, of AES-GCM also as processors have it.
var kernelTLS = []string{"tls", "gcm", "ctr", "ghash-generic", "aesni-intel", "chacha20poly1305", "chacha_generic", "poly1305_generic"}

// loops selects the tests of the engine that run on real loops and do not weigh or wait much.
const loops = "TestEcho|Pipelined|Close[A-Z]|Abort|Connect|Buffers|File|Post|TransformEcho|TransformCloses|Shards|Steady|ClientLimit$"

// tests is a package's test program, which stops itself, with the stacks of all goroutines, before the boot is stopped.
func tests(name, pattern string, environment ...string) order.Program {
	arguments := []string{"/bin/" + name + ".test", "-test.v", "-test.timeout=5m"}
	if pattern != "" {
		arguments = append(arguments, "-test.run="+pattern)
	}
	return order.Program{Name: name, Arguments: arguments, Environment: environment, Test: true}
}
