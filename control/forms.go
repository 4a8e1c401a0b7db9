package control

import (
	"runtime"

	"github.com/anygate/anygate/control/compressor"
	"github.com/anygate/anygate/static"
)

// forms is what makes and keeps the coded forms of static files; nothing if no route has any made.
type forms struct {
	shelf      *static.Shelf
	compressor *compressor.Compressor
}

func openForms(s *size) (f forms, err error) {
	if s.forms == 0 {
		return f, nil
	}
	f.shelf = static.NewShelf(s.forms, s.formFDs)
	f.compressor, err = compressor.New(f.shelf, runtime.NumCPU())
	return f, err
}

// submit is what a shard hands its jobs to.
func (f *forms) submit() func(*static.Job) bool {
	if f.compressor == nil {
		return nil
	}
	return f.compressor.Submit
}

// close ends the work for shards that have ended, and closes what they kept for it.
func (f *forms) close(shards []*shard) {
	if f.compressor == nil {
		return
	}
	f.compressor.Close()
	for _, sh := range shards {
		if sh != nil {
			sh.Abandon()
		}
	}
}
