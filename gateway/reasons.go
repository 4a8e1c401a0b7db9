package gateway

// maxReasons is how many reasons a shard counts by themselves. What has another
// one is counted together.
const maxReasons = 256

// otherReason stands for those that are counted together.
const otherReason = "other"

// ReasonCount is how often something has happened for a reason, which is a
// stable code.
type ReasonCount struct {
	Reason string
	Count  uint64
}

// reasonCounts count by reason. The codes are constants of this program, so
// that what a peer sends cannot make more of them; there are some 200 in all
// packages, and none of them is known here before it occurs. It has one writer,
// never grows and is never asked for what goes well.
type reasonCounts struct {
	slots [2 * maxReasons]ReasonCount // by the hash of the code
	used  int
	other uint64
}

func (c *reasonCounts) count(reason string) {
	h := uint32(2166136261)
	for i := range len(reason) {
		h = (h ^ uint32(reason[i])) * 16777619
	}
	for i := h; ; i++ {
		s := &c.slots[i%uint32(len(c.slots))]
		if s.Reason == reason && s.Count > 0 {
			s.Count++
			return
		}
		if s.Count > 0 {
			continue
		}
		if c.used == maxReasons {
			c.other++
			return
		}
		c.used++
		*s = ReasonCount{reason, 1}
		return
	}
}

// append appends what was counted.
func (c *reasonCounts) append(list []ReasonCount) []ReasonCount {
	if c.used == 0 {
		return list
	}
	for i := range c.slots {
		if c.slots[i].Count > 0 {
			list = append(list, c.slots[i])
		}
	}
	if c.other > 0 {
		list = append(list, ReasonCount{otherReason, c.other})
	}
	return list
}
