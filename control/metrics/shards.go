package metrics

import "strconv"

var shard = []string{"shard"}

var shardFamilies = []family{
	{"anygate_shard_up", "Whether a shard has answered within a second.", gauge, shard, func(r *Readings, e *emitter) {
		for i := range r.Shards {
			e.flag(r.Shards[i].Answers, strconv.Itoa(i))
		}
	}},
	{"anygate_shard_cpu_seconds_total", "Processor time of the thread of a shard.", counter, shard, func(r *Readings, e *emitter) {
		e.shards(r, func(s *Shard) float64 { return s.CPU.Seconds() })
	}},
	{"anygate_shard_connections", "Connections of clients, by shard.", gauge, shard, func(r *Readings, e *emitter) {
		e.shards(r, func(s *Shard) float64 { return float64(s.Engine.Clients) })
	}},
	{"anygate_shard_turns_total", "Turns of the loop of a shard.", counter, shard, func(r *Readings, e *emitter) {
		e.shards(r, func(s *Shard) float64 { return float64(s.Engine.Turns) })
	}},
	{"anygate_shard_turn_seconds", "Time that the turns of the loop of a shard have taken, without waiting: what the loop itself adds to latencies.", histogram, shard, func(r *Readings, e *emitter) {
		for i := range r.Shards {
			e.histogram(&r.Shards[i].Turns, strconv.Itoa(i))
		}
	}},
	{"anygate_shard_events_total", "Events that a shard has handled.", counter, shard, func(r *Readings, e *emitter) {
		e.shards(r, func(s *Shard) float64 { return float64(s.Engine.Events) })
	}},
	{"anygate_shard_waits_total", "Times that a shard has waited for something to do.", counter, shard, func(r *Readings, e *emitter) {
		e.shards(r, func(s *Shard) float64 { return float64(s.Engine.Waits) })
	}},
	{"anygate_shard_spins_total", "Waits that began with looking again, by whether that has ended them.", counter, []string{"shard", "result"}, func(r *Readings, e *emitter) {
		for i := range r.Shards {
			st := &r.Shards[i].Engine
			e.count(st.SpinHits, strconv.Itoa(i), "hit")
			e.count(st.Spins-st.SpinHits, strconv.Itoa(i), "miss")
		}
	}},
	{"anygate_shard_buffers", "Buffers in use, by size in bytes.", gauge, []string{"shard", "size"}, func(r *Readings, e *emitter) {
		for i := range r.Shards {
			st := &r.Shards[i].Engine
			e.value(float64(st.SmallInUse), strconv.Itoa(i), "4096")
			e.value(float64(st.LargeInUse), strconv.Itoa(i), "73728")
		}
	}},
	{"anygate_shard_buffer_pressure", "How scarce the buffers of a shard are, from 0 (not at all) up.", gauge, shard, func(r *Readings, e *emitter) {
		e.shards(r, func(s *Shard) float64 { return float64(s.Pressure) })
	}},
	{"anygate_shard_buffers_exhausted_total", "Receives for which there was no buffer.", counter, shard, func(r *Readings, e *emitter) {
		e.shards(r, func(s *Shard) float64 { return float64(s.Engine.NoBuffers) })
	}},
	{"anygate_shard_inbox_full_total", "Messages to a shard that found its inbox full.", counter, shard, func(r *Readings, e *emitter) {
		e.shards(r, func(s *Shard) float64 { return float64(s.Engine.InboxFull) })
	}},
	{"anygate_shard_ring_overflows_total", "Turns of a shard that found more completions than the ring holds.", counter, shard, func(r *Readings, e *emitter) {
		e.shards(r, func(s *Shard) float64 { return float64(s.Engine.Overflows) })
	}},
	{"anygate_shard_sends_total", "Writes to connections, by way: direct by a system call of their own, queued together with others.", counter, []string{"shard", "way"}, func(r *Readings, e *emitter) {
		for i := range r.Shards {
			e.value(float64(r.Shards[i].Engine.DirectSends), strconv.Itoa(i), "direct")
			e.value(float64(r.Shards[i].Engine.QueuedSends), strconv.Itoa(i), "queued")
		}
	}},
	{"anygate_shard_file_reads_total", "Parts of files that were not in memory, and were read ahead.", counter, shard, func(r *Readings, e *emitter) {
		e.shards(r, func(s *Shard) float64 { return float64(s.Engine.Absent) })
	}},
	{"anygate_shard_timers", "Deadlines that a shard watches.", gauge, shard, func(r *Readings, e *emitter) {
		e.shards(r, func(s *Shard) float64 { return float64(s.Engine.TimersQueued) })
	}},
}

func (e *emitter) shards(r *Readings, of func(*Shard) float64) {
	for i := range r.Shards {
		e.value(of(&r.Shards[i]), strconv.Itoa(i))
	}
}
