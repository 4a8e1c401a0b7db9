package main

import (
	"fmt"
	"io"
)

// File types and the end of an archive in the "newc" format of cpio(5), which the kernel unpacks into its first root
// directory.
const (
	cpioDirectory = 0o040000
	cpioRegular   = 0o100000
	cpioDevice    = 0o020000 // of characters
	cpioEnd       = "TRAILER!!!"
)

// archive writes files one after the other. The first error ends it, and is what close returns.
type archive struct {
	w       io.Writer
	written int64
	inode   uint32
	err     error
}

// entry is a file; everything belongs to root and was changed at the beginning of time.
type entry struct {
	name         string // without a slash in front
	mode         uint32
	major, minor uint32 // of a device
	content      []byte
}

func (a *archive) add(e entry) {
	links := uint32(1)
	if e.mode&cpioDirectory != 0 {
		links = 2
	}
	if e.name != cpioEnd {
		a.inode++
	}
	// Name and content each begin and end at a multiple of four.
	a.write([]byte(fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.inode, e.mode, 0, 0, links, 0, len(e.content), 0, 0, e.major, e.minor, len(e.name)+1, 0, e.name)))
	a.pad()
	a.write(e.content)
	a.pad()
}

func (a *archive) close() error {
	a.add(entry{name: cpioEnd})
	return a.err
}

func (a *archive) write(b []byte) {
	if a.err == nil {
		_, a.err = a.w.Write(b)
		a.written += int64(len(b))
	}
}

func (a *archive) pad() { a.write(make([]byte, -a.written&3)) }
