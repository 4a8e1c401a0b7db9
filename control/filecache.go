package control

import (
	"runtime"

	"github.com/anygate/anygate/control/compressor"
	"github.com/anygate/anygate/control/files"
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/static"
)

// fileCache is what looks into the file system for the shards, and makes coded forms of what it
// finds.
type fileCache struct {
	service    *files.Service
	compressor *compressor.Compressor // nil if no route has forms made
}

func openFiles(s *size) (f fileCache, err error) {
	o := static.StoreOptions{
		Bytes: s.fileBytes, Descriptors: s.files, FormBytes: s.forms, FormDescriptors: s.formFDs,
		Start: gateway.FileStart, Watch: true,
	}
	if s.forms > 0 {
		f.compressor = compressor.New(runtime.NumCPU())
		o.Make = f.compressor.Submit
	}
	f.service, err = files.New(o, func() int64 { return engine.Now() / 1e6 })
	if err != nil && f.compressor != nil {
		f.compressor.Close()
	}
	return f, err
}

// close ends all of it. The shards have ended.
func (f *fileCache) close() {
	if f.compressor != nil {
		f.compressor.Close()
	}
	f.service.Close()
}
