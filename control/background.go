package control

import "time"

// background does work for a shard on a goroutine of its own, and hands the result back with done, which fails while
// the shard's inbox is full. It never is for long: it holds far more than a shard is sent at once.
func background(work func(), done func() bool) {
	go func() {
		work()
		for !done() {
			time.Sleep(time.Millisecond)
		}
	}()
}
