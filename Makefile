# What a newcomer expects: make, make test, make lint, make fuzz, make bench, make demo, make clean.

# The version control stamp fails in a checkout that another user owns; the commit is passed by the linker instead.
export GOFLAGS := -buildvcs=false

# A test run is read by a program: its own failure must not hide behind that one's success.
SHELL       := /bin/bash
.SHELLFLAGS := -o pipefail -c

GO      ?= go
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
LDFLAGS := $(if $(COMMIT),-X main.commit=$(COMMIT))

# The tools that lint, pinned: a new release must not change what passes.
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Packages whose tests run under the race detector too: those where threads meet.
RACE := ./engine ./proxy/... ./telemetry ./control/... ./cmd/...

FUZZTIME ?= 10s
BENCH    ?= .

.PHONY: all build demo dist test test-packaging unit test-grpc test-import race scan lint install fuzz bench bench-go bench-guard bench-accept bench-scaling test-giouring test-kernels chaos soak churn clean

all: build

# The program in bin/anygate, and beside it the importer, which is a module of its own.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/anygate ./cmd/anygate
	cd import && CGO_ENABLED=0 $(GO) build -trimpath -o ../bin/anygate-import ./cmd/anygate-import

# Builds it, and serves the built-in demo site on http://localhost:8080.
demo: build
	./bin/anygate serve --demo

# What is released, in dist: static binaries for amd64 and arm64, archives, packages for Debian and RPM, the list of parts
# and their licences, and checksums. The same commit gives the same bytes.
dist:
	cd packaging && $(GO) run ./dist -o ../dist

# Installs what the tests need, and runs all of them.
test: install lint unit test-grpc test-import test-packaging race test-giouring test-kernels

install:
	./test/install.sh

# All tests, and at the end which of them ran on which engine. Packages one after the other: those with deadlines and
# load would disturb each other.
unit:
	$(GO) test -json -p 1 -timeout 15m ./... | $(GO) run ./test/report

# gRPC through the program, with grpc-go on both sides, in a module of its own.
test-grpc:
	cd test/grpc && $(GO) test -count=1 -timeout 5m ./...

# The release, the quick start on a machine of its own, the image, the JSON Schema, and the Helm chart, whose test is a
# module by itself. They need root.
test-packaging:
	cd packaging && $(GO) vet ./... && $(GO) test -count=1 -p 1 -timeout 10m ./...
	cd packaging/chart && $(GO) vet ./... && $(GO) test -count=1 -timeout 10m ./...

# What is imported from nginx, beside nginx itself, and from Ingress objects, in a module of its own.
test-import:
	cd import && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./... && $(GO) test -count=1 -timeout 5m ./...

race:
	$(GO) test -race -timeout 10m $(RACE)
	$(GO) test -race -timeout 10m -run 'Lend|Quota' ./gateway

# 200 reloads and 20 upgrades on each engine, under load, with a tunnel and a download open: no request may fail.
churn:
	ANYGATE_TEST_UPGRADES=20 $(GO) test -count=1 -timeout 10m -run '^TestUpgrade$$' -v ./cmd/anygate

# Upstreams that are killed, stopped, slowed and restarted at random under load, for a minute on each engine; the tests
# of "unit" do so for ten seconds.
chaos:
	ANYGATE_CHAOS_TIME=60s $(GO) test -count=1 -v -timeout 10m ./test/chaos

# Ten minutes with every policy on, both engines at once: nothing fails, nothing grows, no loop stalls. "unit" does so for
# ten seconds.
soak:
	ANYGATE_SOAK_TIME=10m $(GO) test -count=1 -v -timeout 15m -run '^TestSoak$$' ./test/soak

# Everything that testssl.sh knows to look for in a server's TLS; "unit" does so too.
scan: install
	$(GO) test -count=1 -v -timeout 5m ./test/scan

# Fails on every finding. The formatter prints the files it would change.
lint:
	@files=$$($(GO) run $(GOFUMPT) -l .) || exit 1; \
	if [ -n "$$files" ]; then echo "gofumpt would change:" $$files; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) test -count=1 ./test/lint

# The ABI of our io_uring layer against giouring, which links only without the linker's check of linknames.
test-giouring:
	$(GO) test -tags giouring -ldflags=-checklinkname=0 ./uring

# AnyGate on the kernels of Debian's releases, in an emulator; test/kernels/README.md says what is expected of
# each. KERNELS takes options: KERNELS="-run 6.12 -v".
test-kernels: install
	$(GO) run ./test/kernels $(KERNELS)

# Every fuzz target of every package for FUZZTIME, one after the other.
fuzz:
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

# AnyGate beside its peers; bench/README.md says how to read it.
bench:
	$(GO) run ./bench

# Fails if AnyGate has lost ground to nginx since bench/baseline.json was recorded. A few minutes, on a quiet machine.
bench-guard:
	$(GO) run ./bench guard

# Connections from 10 to as many as 20,000 descriptors allow, and one processor against all of them.
bench-scaling:
	$(GO) run ./bench --peer anygate,nginx \
		--scenario connections-10,connections-100,connections-1000,connections-5000,connections-10000,connections-13000,shards,shards-pipelined

# The ways of spreading connections over shards.
bench-accept:
	$(GO) run ./bench accept

# The benchmarks of single functions.
bench-go:
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

clean:
	rm -rf bin dist bench/out test/kernels/.cache
	$(GO) clean -testcache
