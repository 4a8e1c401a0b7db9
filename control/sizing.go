package control

import (
	"fmt"
	"slices"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
)

// resources are what the process has to work with.
type resources struct {
	cpus        []int // cores the process may run on
	quota       int   // processors' worth of time the cgroup grants, 0 for all
	memory      int64 // bytes, 0 if unknown
	descriptors int
}

// size is what the process makes of them.
type size struct {
	shards    int
	pins      []int // the core of each shard; -1 does not pin
	limits    engine.Limits
	spin      time.Duration // before a shard sleeps, 0 for none
	files     int           // kept open, where a route is static
	fileBytes int64         // memory for the small ones
	forms     int64         // bytes of longer coded forms of them, 0 if none are made
	formFDs   int           // and descriptors
	heap      int64         // soft limit of the Go heap, 0 for none
	remarks   []string      // what the operator should know

	rateKeys, countKeys int   // places of a limiter, for rates and for connections
	countBytes          int64 // what those for requests under way may take
}

// fit decides how many shards, connections and buffers there are.
func fit(cfg *config.Config, r resources) (size, error) {
	s := size{shards: cfg.Server.Shards}
	if s.shards == 0 {
		s.shards = len(r.cpus)
		if r.quota > 0 {
			s.shards = min(s.shards, r.quota)
		}
	}
	s.shards = min(max(s.shards, 1), maxShards)
	s.pin(r)
	s.spins(cfg, r)
	if err := s.connections(cfg, r.descriptors); err != nil {
		return size{}, err
	}
	s.buffers(cfg.Server.Limits.BufferBytes, r.memory)
	s.staticFiles(cfg, r.memory)
	s.limiterPlaces(cfg, r.memory)
	return s, nil
}

// pin gives each shard a core of its own when there is a shard for every core. With fewer shards the cores are shared
// with someone, another container say, who may have pinned to the same ones; then the kernel's scheduler knows better.
func (s *size) pin(r resources) {
	s.pins = slices.Repeat([]int{-1}, s.shards)
	if s.shards == len(r.cpus) {
		copy(s.pins, r.cpus)
	}
}

// spins decides whether shards look again before they sleep. A shard that does takes processor time from whatever else
// runs, and the rest of this process is among it: only who has said how many shards there are is taken at his word.
func (s *size) spins(cfg *config.Config, r resources) {
	processors := len(r.cpus)
	if r.quota > 0 {
		processors = min(processors, r.quota)
	}
	if s.spin = cfg.Server.Spin; s.spin > 0 && processors <= s.shards && cfg.Server.Shards == 0 {
		s.spin = 0
		s.remarks = append(s.remarks, fmt.Sprintf("server.spin is %s, but %s on %s leave none for anything else: shards sleep at once; set server.shards to fewer, or to %d to insist",
			quantity.FormatShortDuration(cfg.Server.Spin), count(s.shards, "shard"), count(processors, "processor"), s.shards))
	}
}

// connections divides the descriptors: first what is not a connection, then clients and upstreams.
func (s *size) connections(cfg *config.Config, descriptors int) error {
	// A static site keeps files open beside the connections that they are sent on.
	files := 0
	if slices.ContainsFunc(cfg.Routes, func(r config.Route) bool { return r.Action.Kind == route.Static }) {
		s.files = max(min(descriptors/fileShare, maxFiles), minFiles)
		files = s.files
	}
	free := (descriptors-spareDescriptors-files)/s.shards - shardDescriptors
	proxies := slices.ContainsFunc(cfg.Routes, func(r config.Route) bool { return r.Action.Kind == route.Proxy })
	if proxies {
		s.limits.Pipes = min(max(free/pipeShare, 1), maxShardPipes)
		free -= 2 * s.limits.Pipes
	}
	free = min(free, maxShardConnections)
	most := free
	if proxies {
		most -= free / upstreamShare
	}
	if most < minShardConnections {
		return fmt.Errorf("a limit of %d open files is too low for %d shards: raise it (ulimit -n, or LimitNOFILE= of the systemd unit)", descriptors, s.shards)
	}
	clients := most
	if asked := cfg.Server.Limits.Connections; asked > 0 {
		clients = (asked + s.shards - 1) / s.shards
		if clients > most {
			s.remarks = append(s.remarks, fmt.Sprintf("server.limits.connections is %d, but a limit of %d open files allows %d: raise it (ulimit -n, or LimitNOFILE= of the systemd unit)",
				asked, descriptors, most*s.shards))
			clients = most
		}
	}
	s.limits.Clients, s.limits.Connections = clients, clients
	if proxies {
		// Whatever clients leave is for upstreams. The table's memory is not touched before it is used, so that places
		// nobody takes cost nothing.
		s.limits.Connections = free
	}
	return nil
}

// buffers divides the memory, half of it to each of the two sizes.
func (s *size) buffers(asked, memory int64) {
	total := asked
	if memory > 0 && asked > memory {
		s.remarks = append(s.remarks, fmt.Sprintf("server.limits.buffers is %s, more than the %s of memory that this process may use: the default is used instead",
			quantity.FormatSize(asked), quantity.FormatSize(memory>>20<<20)))
		total = 0
	}
	if total == 0 {
		total = int64(s.shards) * maxShardBuffers
		if memory > 0 {
			total = min(total, memory/memoryShare)
		}
	}
	half := total / int64(s.shards) / 2
	s.limits.SmallBuffers = int(min(max(half/engine.SmallBuffer, minSmallBuffers), maxShardConnections))
	s.limits.LargeBuffers = int(min(max(half/engine.LargeBuffer, minLargeBuffers), maxShardConnections))
	if memory > 0 {
		// What buffers may take is not the heap's; a fifth of the rest is for the kernel and for stacks.
		s.heap = max((memory-total)/5*4, minHeapLimit)
	}
}

// staticFiles decides how much memory static files may take, and how many of the descriptors for them longer coded forms
// get.
func (s *size) staticFiles(cfg *config.Config, memory int64) {
	s.fileBytes = maxFileBytes
	if memory > 0 {
		s.fileBytes = min(s.fileBytes, memory/fileMemoryShare)
	}
	switch asked := cfg.Server.Limits.FileBytes; {
	case asked > memory && memory > 0:
		s.remarks = append(s.remarks, fmt.Sprintf("server.limits.files is %s, more than the %s of memory that this process may use: the default is used instead",
			quantity.FormatSize(asked), quantity.FormatSize(memory>>20<<20)))
	case asked > 0:
		s.fileBytes = asked
	}
	if s.files > 0 && s.heap > 0 {
		s.heap = max(s.heap-s.fileBytes/5*4, minHeapLimit)
	}
	if !slices.ContainsFunc(cfg.Routes, func(r config.Route) bool { return r.Action.Kind == route.Static && r.Static.Compress == "on" }) {
		return
	}
	s.forms = maxFormBytes
	if memory > 0 {
		s.forms = min(s.forms, memory/formShare)
	}
	s.formFDs = s.files / formFileShare
	s.files -= s.formFDs
}
