package tuning

import (
	"fmt"
	"slices"
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
		all := []string{"gro", "gso", "tso"}
		var on, off, never []string
		for _, name := range all {
			switch set, known := l.Features[name]; {
			case known && set:
				on = append(on, name)
			case known && slices.Contains(l.Fixed, name):
				never = append(never, name)
			case known:
				off = append(off, name)
			}
		}
		if len(on)+len(off)+len(never) < len(all) {
			return value{absent: silentDriver}
		}
		v := value{text: "none"}
		if len(on) > 0 {
			v.text = strings.Join(on, " ")
		}
		var notes []string
		if len(off) > 0 {
			notes = append(notes, "off: "+strings.Join(off, ", "))
		} else if len(never) > 0 {
			// All that there can be, which is not shown as more than there is.
			v.text, v.shown = strings.Join(all, " "), v.text
		}
		if len(never) > 0 {
			notes = append(notes, "not of this driver: "+strings.Join(never, ", "))
		}
		v.note = strings.Join(notes, "; ")
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
