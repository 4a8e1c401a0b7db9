package files

import "time"

// upkeep has the store give up what was dropped and forget what nobody asks for.
func (s *Service) upkeep() {
	aged := time.Now()
	more := false
	for s.rest(sweepPause, s.filled[0]) && (more || s.idle()) {
		more = s.store.Sweep()
		if now := time.Now(); now.Sub(aged) >= tick {
			aged = now
			s.store.Age(ageParts)
		}
	}
}

// followRoots looks after the roots of sites. It has a goroutine of its own, because it may
// wait for a disk or for a file server.
func (s *Service) followRoots() {
	for s.rest(rootPause, s.filled[1]) {
		s.store.FollowRoots()
	}
}

// rest waits for some time, and for as long as the store is empty. It reports false at the end.
func (s *Service) rest(pause time.Duration, filled <-chan struct{}) bool {
	if s.store.Empty() {
		select {
		case <-filled:
		case <-s.closing:
			return false
		}
	}
	select {
	case <-time.After(pause):
		return true
	case <-s.closing:
		return false
	}
}

// idle waits for the next tick, or until something was loaded, for which something else may have
// been dropped: what holds a descriptor is not to wait long. It reports false at the end.
func (s *Service) idle() bool {
	select {
	case <-time.After(tick - sweepPause):
		return true
	case <-s.loaded:
		return true
	case <-s.closing:
		return false
	}
}
