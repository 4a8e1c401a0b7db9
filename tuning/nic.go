package tuning

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// nic is a network interface with hardware behind it, or what a hypervisor shows as such.
type nic struct {
	name   string
	rx, tx int // queues
}

const netDirectory = "/sys/class/net"

// interfaces are those with a device. Loopback, bridges, tunnels and the ends of containers have none, and nothing to tune.
func (h *Host) interfaces() (out []nic) {
	for _, name := range h.names(netDirectory) {
		dir := path.Join(netDirectory, name)
		if !h.exists(dir + "/device") {
			continue
		}
		n := nic{name: name}
		for _, q := range h.names(dir + "/queues") {
			switch {
			case strings.HasPrefix(q, "rx-"):
				n.rx++
			case strings.HasPrefix(q, "tx-"):
				n.tx++
			}
		}
		out = append(out, n)
	}
	return out
}

// Link is what the driver of an interface tells. What a driver does not know is nil.
type Link struct {
	Rings    *Rings
	Channels *Channels
	Coalesce *Coalesce
	// Features are gro, gso, tso, lro and tls-hw-tx-offload, as far as they are known.
	Features map[string]bool
	// Fixed are those of them that the driver does not let be changed.
	Fixed []string
}

// Rings are the sizes of an interface's queues, and the largest they can have.
type Rings struct{ RX, RXMax, TX, TXMax int }

// Channels are the numbers of an interface's queues, and the largest they can be.
type Channels struct{ Combined, CombinedMax, RX, RXMax int }

// Coalesce is how long an interface waits before it interrupts.
type Coalesce struct {
	Adaptive bool
	Usecs    int
}

// eachInterface makes a reading of a function of one interface.
func eachInterface(f *facts, read func(nic) value) (out []value) {
	for _, n := range f.nics {
		v := read(n)
		v.subject = n.name
		if v.variables == nil {
			v.variables = map[string]string{}
		}
		v.variables["nic"] = n.name
		out = append(out, v)
	}
	if out == nil {
		return absent("there is no network interface with hardware here")
	}
	return out
}

// link asks the driver.
func (h *Host) link(n nic) (Link, string) {
	if h.Link == nil {
		return Link{}, "no driver can be asked here"
	}
	l, err := h.Link(n.name)
	if err != nil {
		return Link{}, "the driver does not say: " + err.Error()
	}
	return l, ""
}

const silentDriver = "the driver does not say"

func readQueues(h *Host, f *facts) []value {
	return eachInterface(f, func(n nic) value {
		if n.rx == 0 {
			return value{absent: "its queues are not shown"}
		}
		most := n.rx
		l, why := h.link(n)
		if c := l.Channels; c != nil {
			most = max(c.CombinedMax, c.RXMax, n.rx)
		}
		wanted := min(f.shards, most)
		v := value{
			text: strconv.Itoa(n.rx), wanted: strconv.Itoa(wanted), met: n.rx == wanted,
			variables: map[string]string{"queues": strconv.Itoa(wanted)},
		}
		switch {
		case why != "":
			v.note = "how many it can have is not known"
		case n.rx == most && most < f.shards:
			v.note = fmt.Sprintf("it has no more, for %s", count(f.shards, "shard"))
		}
		if f.process.cpus == "" && f.quota > 0 && n.rx > wanted {
			// The machine is shared with others, who need the rest.
			v.met = true
		}
		return v
	})
}

// queueInterrupts are the numbers of the interrupts of an interface's receive queues.
func (h *Host) queueInterrupts(n nic) (out []int) {
	device, err := filepath.EvalSymlinks(h.path(path.Join(netDirectory, n.name, "device")))
	if err != nil {
		return nil
	}
	own, err := os.ReadDir(filepath.Join(device, "msi_irqs"))
	if err != nil {
		// Those of a virtio device are listed by the PCI device above it.
		own, err = os.ReadDir(filepath.Join(filepath.Dir(device), "msi_irqs"))
	}
	if err != nil {
		return nil
	}
	labels := h.interruptLabels()
	for _, entry := range own {
		irq, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		label := strings.ToLower(labels[irq])
		for _, kind := range []string{"rx", "input", "comp", n.name + "-"} {
			if strings.Contains(label, kind) {
				out = append(out, irq)
				break
			}
		}
	}
	return out
}

// interruptLabels are the names at the ends of the lines of /proc/interrupts.
func (h *Host) interruptLabels() map[int]string {
	out := make(map[int]string)
	for line := range strings.Lines(h.text("/proc/interrupts")) {
		number, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		irq, err := strconv.Atoi(number)
		if f := strings.Fields(rest); ok && err == nil && len(f) > 0 {
			out[irq] = f[len(f)-1]
		}
	}
	return out
}

func readInterrupts(h *Host, f *facts) []value {
	return eachInterface(f, func(n nic) value {
		var lists []string
		used := make(map[string]bool)
		for _, irq := range h.queueInterrupts(n) {
			dir := path.Join("/proc/irq", strconv.Itoa(irq))
			list := h.text(dir + "/effective_affinity_list")
			if list == "" {
				list = h.text(dir + "/smp_affinity_list")
			}
			if list != "" {
				lists = append(lists, list)
				used[list] = true
			}
		}
		if len(lists) == 0 {
			return value{absent: "its interrupts are not known by their names"}
		}
		wanted := min(len(lists), f.processors)
		return value{
			text:   fmt.Sprintf("%s on %s", count(len(lists), "interrupt"), count(len(used), "processor")),
			wanted: fmt.Sprintf("on %s", count(wanted, "processor")), met: len(used) >= wanted,
			note: "they go to " + strings.Join(lists, " "),
		}
	})
}

// masks are the processor masks of an interface's queues, without leading zeros.
func (h *Host) masks(n nic, kind, file string) (out []string) {
	dir := path.Join(netDirectory, n.name, "queues")
	for _, q := range h.names(dir) {
		if text := h.text(path.Join(dir, q, file)); strings.HasPrefix(q, kind) && text != "" {
			out = append(out, strings.TrimLeft(strings.ReplaceAll(text, ",", ""), "0"))
		}
	}
	return out
}

func readTransmitMap(h *Host, f *facts) []value {
	return eachInterface(f, func(n nic) value {
		masks := h.masks(n, "tx-", "xps_cpus")
		switch {
		case len(masks) == 0:
			return value{absent: "this kernel or driver has no XPS here"}
		case len(masks) == 1:
			return value{text: "one queue", met: true}
		}
		v := value{text: "no map", wanted: "one to one"}
		distinct := slices.Compact(slices.Sorted(slices.Values(masks)))
		single := !slices.ContainsFunc(masks, func(m string) bool { return m != "" && !oneBit(m) })
		switch {
		case slices.Equal(distinct, []string{""}):
		case single && len(distinct) == len(masks):
			v.text = "one to one"
		default:
			v.text = "shared"
		}
		if v.met = v.text == "one to one" || len(masks) < f.processors; v.met {
			v.wanted = ""
		}
		return v
	})
}

// oneBit reports whether a hexadecimal mask names one processor.
func oneBit(mask string) bool {
	return mask != "" && strings.Trim(mask[1:], "0") == "" && strings.Contains("1248", mask[:1])
}

func readReceiveMap(h *Host, f *facts) []value {
	return eachInterface(f, func(n nic) value {
		masks := h.masks(n, "rx-", "rps_cpus")
		if len(masks) == 0 {
			return value{absent: "this kernel has no RPS"}
		}
		v := value{text: "off", wanted: "off"}
		if slices.ContainsFunc(masks, func(m string) bool { return m != "" }) {
			v.text = "on"
		}
		if n.rx < f.processors {
			v.wanted = "on"
			v.note = fmt.Sprintf("%s, %s", count(n.rx, "receive queue"), count(f.processors, "processor"))
		}
		v.met = v.text == v.wanted
		return v
	})
}

func readQdisc(h *Host, f *facts) []value {
	if h.Qdiscs == nil {
		return absent("the kernel cannot be asked here")
	}
	all, err := h.Qdiscs()
	if err != nil {
		return absent("the kernel does not say: " + err.Error())
	}
	return eachInterface(f, func(n nic) value {
		kinds := slices.Compact(slices.Sorted(slices.Values(all[n.name])))
		if len(kinds) == 0 {
			return value{absent: "it has none"}
		}
		v := value{text: strings.Join(kinds, ",")}
		// mq only holds one for each queue; of those every one counts.
		if rest := slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return k == "mq" }); len(rest) == 1 && len(kinds) == 2 {
			v = value{text: rest[0], shown: "mq of " + rest[0]}
		}
		return v
	})
}
