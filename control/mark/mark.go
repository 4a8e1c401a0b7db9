package mark

import (
	"io/fs"
	"os"
	"syscall"
)

// Mark is the state of a file; the zero value is that of one that is not there. A file that is replaced by a rename has
// another inode, one that is written over has changed. Who writes into a file may set the time of that back, as tools do that
// copy times, but not the time of the change, which the kernel keeps.
type Mark struct {
	Dev     uint64 `json:"dev"`
	Inode   uint64 `json:"inode"`
	Size    int64  `json:"size"`
	Changed int64  `json:"changed"`
	Written int64  `json:"written"`
}

// Of is the state that was found.
func Of(info fs.FileInfo) Mark {
	m := Mark{Size: info.Size(), Written: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		m.Dev, m.Inode, m.Changed = uint64(st.Dev), st.Ino, st.Ctim.Nano()
	}
	return m
}

// At is the state of a file now. Links are followed, as what they lead to is what is read.
func At(name string) Mark {
	info, err := os.Stat(name)
	if err != nil {
		return Mark{}
	}
	return Of(info)
}
