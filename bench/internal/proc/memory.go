package proc

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// Memory is what a process tree holds.
type Memory struct {
	// PSS counts each page shared by n processes as 1/n, so that the sum over a tree is what the tree really holds.
	PSS int64
	// RSS counts shared pages once per process.
	RSS int64
}

// Memory reads the resident memory of the process tree, in bytes. Kernel memory (sockets, their buffers) is not in it.
func (p *Process) Memory() (Memory, error) {
	tree, err := p.Tree()
	if err != nil {
		return Memory{}, err
	}
	var sum Memory
	for _, pid := range tree {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
		if err != nil {
			return Memory{}, err
		}
		one, err := parseRollup(text)
		if err != nil {
			return Memory{}, fmt.Errorf("smaps_rollup of process %d: %w", pid, err)
		}
		sum.PSS += one.PSS
		sum.RSS += one.RSS
	}
	return sum, nil
}

func parseRollup(text []byte) (Memory, error) {
	var memory Memory
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		fields := bytes.Fields(lines.Bytes())
		if len(fields) != 3 || string(fields[2]) != "kB" {
			continue
		}
		var into *int64
		switch string(fields[0]) {
		case "Pss:":
			into = &memory.PSS
		case "Rss:":
			into = &memory.RSS
		default:
			continue
		}
		kilobytes, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			return Memory{}, err
		}
		*into = kilobytes << 10
	}
	return memory, lines.Err()
}
