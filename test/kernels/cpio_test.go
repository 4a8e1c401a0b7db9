package main

import (
	"errors"
	"strings"
	"testing"
)

func TestArchive(t *testing.T) {
	var b strings.Builder
	a := archive{w: &b}
	a.add(entry{name: "dev", mode: cpioDirectory | 0o755})
	a.add(entry{name: "dev/console", mode: cpioDevice | 0o600, major: 5, minor: 1})
	a.add(entry{name: "hello", mode: cpioRegular | 0o644, content: []byte("hello")})
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	// Fields: inode, mode, user, group, links, time, size, device of the file system, device, length of the name, checksum.
	want := "070701" + "00000001" + "000041ed" + "00000000" + "00000000" + "00000002" + "00000000" + "00000000" +
		"00000000" + "00000000" + "00000000" + "00000000" + "00000004" + "00000000" + "dev\x00" + "\x00\x00" +
		"070701" + "00000002" + "00002180" + "00000000" + "00000000" + "00000001" + "00000000" + "00000000" +
		"00000000" + "00000000" + "00000005" + "00000001" + "0000000c" + "00000000" + "dev/console\x00" + "\x00\x00" +
		"070701" + "00000003" + "000081a4" + "00000000" + "00000000" + "00000001" + "00000000" + "00000005" +
		"00000000" + "00000000" + "00000000" + "00000000" + "00000006" + "00000000" + "hello\x00" + "hello" + "\x00\x00\x00" +
		"070701" + "00000003" + "00000000" + "00000000" + "00000000" + "00000001" + "00000000" + "00000000" +
		"00000000" + "00000000" + "00000000" + "00000000" + "0000000b" + "00000000" + "TRAILER!!!\x00" + "\x00\x00\x00"
	if got := b.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestArchiveTellsTheFirstError(t *testing.T) {
	a := archive{w: full{}}
	a.add(entry{name: "x", mode: cpioRegular, content: []byte("x")})
	if err := a.close(); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
}
