package tuning

import (
	"fmt"
	"strconv"
	"strings"
)

// The readings that only the driver of an interface can give.

func readOffloads(h *Host, f *facts) []value {
	return eachInterface(f, func(n nic) value {
		l, why := h.link(n)
		if why != "" {
			return value{absent: why}
		}
		var on, off []string
		for _, name := range []string{"gro", "gso", "tso"} {
			switch set, known := l.Features[name]; {
			case known && set:
				on = append(on, name)
			case known:
				off = append(off, name)
			}
		}
		switch {
		case len(on)+len(off) < 3:
			return value{absent: silentDriver}
		case len(on) == 0:
			return value{text: "none"}
		}
		v := value{text: strings.Join(on, " ")}
		if len(off) > 0 {
			v.note = "off: " + strings.Join(off, ", ")
		}
		return v
	})
}

func readLRO(h *Host, f *facts) []value        { return featureReading(h, f, "lro") }
func readTLSOffload(h *Host, f *facts) []value { return featureReading(h, f, "tls-hw-tx-offload") }

func featureReading(h *Host, f *facts, name string) []value {
	return eachInterface(f, func(n nic) value {
		l, why := h.link(n)
		set, known := l.Features[name]
		switch {
		case why != "":
			return value{absent: why}
		case !known:
			return value{absent: silentDriver}
		case set:
			return value{text: "on"}
		}
		return value{text: "off"}
	})
}

func readRings(h *Host, f *facts) []value {
	return eachInterface(f, func(n nic) value {
		l, why := h.link(n)
		switch {
		case why != "":
			return value{absent: why}
		case l.Rings == nil || l.Rings.RXMax == 0:
			return value{absent: silentDriver}
		}
		dropped := f.counters["nic."+n.name+".rx_missed_errors"] + f.counters["nic."+n.name+".rx_fifo_errors"]
		v := value{
			text: fmt.Sprintf("rx %d of %d", l.Rings.RX, l.Rings.RXMax), wanted: fmt.Sprintf("rx %d", l.Rings.RXMax),
			met:       dropped == 0 || l.Rings.RX == l.Rings.RXMax,
			variables: map[string]string{"ring": strconv.Itoa(l.Rings.RXMax)},
		}
		if v.met {
			v.wanted = ""
		}
		if dropped > 0 {
			v.note = fmt.Sprintf("%d packets were dropped for want of room", dropped)
		}
		return v
	})
}

// maxCoalesce is for how long an interface should collect packets at the most, in microseconds.
const maxCoalesce = 32

func readCoalescing(h *Host, f *facts) []value {
	return eachInterface(f, func(n nic) value {
		l, why := h.link(n)
		c := l.Coalesce
		switch {
		case why != "":
			return value{absent: why}
		case c == nil:
			return value{absent: silentDriver}
		case c.Adaptive:
			return value{text: "adaptive", met: true}
		}
		return value{text: fmt.Sprintf("%d us", c.Usecs), wanted: fmt.Sprintf("adaptive, or at most %d us", maxCoalesce), met: c.Usecs <= maxCoalesce}
	})
}
