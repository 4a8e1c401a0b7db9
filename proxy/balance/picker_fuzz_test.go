package balance

import "testing"

// FuzzPick drives a view through all that can happen to it, and holds each
// choice against the rules, worked out anew from what was done.
func FuzzPick(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte("\x00\x20\x01\x41\x62\x83\xa4\xc5\xe6\x07"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		const most = 12
		keys := members(most)
		v, p := &View{}, picker(uint64(len(ops)))
		isDown, passedUntil := map[string]bool{}, map[string]int64{}
		var (
			list  []Endpoint
			under []Slot
			now   int64
			below float64
		)
		use := func(mask, shape int) {
			list = nil
			for i := range most {
				if mask&(1<<(i%8)) == 0 {
					delete(isDown, keys[i].Key)
					delete(passedUntil, keys[i].Key)
					continue
				}
				e := keys[i]
				e.Weight, e.Backup, e.Group = 1+(shape>>(i%3))%3, i%4 == 3, int32(i%2)
				list = append(list, e)
			}
			v.Use(NewSet(list))
		}
		use(0xff, 0)
		for k := 0; k+1 < len(ops); k += 2 {
			op, arg := ops[k], int(ops[k+1])
			n := len(list)
			if n == 0 {
				use(arg|1, arg)
				continue
			}
			i := arg % n
			switch op % 9 {
			case 0:
				use(arg, int(op))
			case 1:
				isDown[list[i].Key] = true
				v.SetUp(i, false)
			case 2:
				isDown[list[i].Key] = false
				v.SetUp(i, true)
			case 3:
				passedUntil[list[i].Key] = now + int64(op)
				v.PassOver(v.Slot(i), now+int64(op), now)
			case 4:
				v.Ramp(v.Slot(i), now, int64(op), now)
			case 5:
				now += int64(arg)
			case 6:
				below = float64(arg%5) / 4
				v.SetPanic(below)
			case 7:
				if len(under) > 0 {
					last := under[len(under)-1]
					under = under[:len(under)-1]
					v.Observe(last, int64(arg)*1e6, op < 128, now)
					v.Ended(last)
				}
			case 8:
				ask := Ask{Policy: Policy(op / 9 % 4), Key: uint64(arg), Now: now, Any: arg&1 != 0, Grouped: arg&2 != 0, Group: int32(arg >> 2 & 1)}
				tried := map[int]bool{}
				for j := range n {
					if arg>>3&(1<<(j%5)) != 0 && op&1 != 0 {
						tried[j] = true
						ask.Tried = append(ask.Tried, v.Slot(j))
					}
				}
				got := p.Pick(v, &ask)
				up, all, upBackups, backups := 0, 0, 0, 0
				for _, e := range list {
					switch {
					case e.Backup && !isDown[e.Key]:
						upBackups++
						backups++
					case e.Backup:
						backups++
					case !isDown[e.Key]:
						up++
						all++
					default:
						all++
					}
				}
				if up == 0 && upBackups > 0 {
					up, all = upBackups, backups
				}
				panicking := all > 0 && float64(up) < below*float64(all)
				if panicking != v.Panicking() {
					t.Fatalf("panicking is %v, want %v: %d of %d are up, the threshold is %v", v.Panicking(), panicking, up, all, below)
				}
				fits := func(j int) bool {
					return !tried[j] && (!ask.Grouped || list[j].Group == ask.Group)
				}
				// What is better than what was chosen must not have been there.
				score := func(j int) int {
					e := &list[j]
					s := 0
					if passedUntil[e.Key] > now {
						s += 2
					}
					if panicking {
						return s
					}
					if isDown[e.Key] {
						return s + 10
					}
					if e.Backup {
						s++
					}
					return s
				}
				best := 100
				for j := range list {
					if fits(j) && (score(j) < 10 || ask.Any) {
						best = min(best, score(j))
					}
				}
				switch {
				case got == -1 && best < 100:
					t.Fatalf("nobody was chosen although one can be")
				case got == -1:
				case got < 0 || got >= n:
					t.Fatalf("got %d of %d", got, n)
				case !fits(got):
					t.Fatalf("member %d was chosen although it is excluded", got)
				case score(got) != best:
					t.Fatalf("member %d of rank %d was chosen, there is one of %d", got, score(got), best)
				}
				if got >= 0 {
					v.Began(v.Slot(got))
					under = append(under, v.Slot(got))
				}
			}
		}
		for _, s := range under {
			v.Ended(s)
		}
		if v.active != 0 {
			t.Fatalf("%d requests are under way after all have ended", v.active)
		}
	})
}
