package static

// Age looks at a part (one of parts) of all entries: their frequency decays, and those
// that nobody has asked for in a long time are dropped, so that files and directories
// that are gone, and the sites of old configurations, do not keep anything for ever. All
// parts are to be looked at once in ten seconds.
func (st *Store) Age(parts int) {
	st.lock.Lock()
	defer st.lock.Unlock()
	n := (int(st.made) + parts - 1) / parts
	for range n {
		if st.cursor++; st.cursor >= st.made {
			st.cursor = 0
			st.tidyWatches(st.o.Clock())
			break
		}
		if e := &st.entries[st.cursor]; e.state == stateIndexed {
			st.age(e)
		}
	}
}

func (st *Store) age(e *Entry) {
	uses := st.uses(e.token)
	now := uses - e.seen
	e.seen = uses
	e.carry -= (e.carry + 1<<frequencyShift - 1) >> frequencyShift
	e.carry += now
	if now > 0 {
		e.idle = 0
		return
	}
	e.idle++
	most := uint16(idleMostly)
	switch {
	case e.is(flagMade):
		most = idleFormsMost
	case e.rank == rankOpen, e.rank == rankMinor:
		most = idlePasses
	}
	if e.idle >= most {
		st.counts.Expired++
		st.drop(e)
	}
}

// shed drops open files, because the process has run out of descriptors; it is for others to
// try again when those have been closed. The lock is held.
func (st *Store) shed() {
	for range evictionsPerLoad {
		v := st.victim(rankOpen)
		if v == nil {
			return
		}
		st.counts.Evictions++
		st.drop(v)
	}
}
