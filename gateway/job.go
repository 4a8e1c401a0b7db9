package gateway

// Job is work that takes too long for a shard. Run does it, on a goroutine of
// somebody's, who then calls Done until it is true; neither touches anything of
// the shard's. A Job may be handed over again once Done was true.
type Job struct {
	Run  func()
	Done func() bool
}
