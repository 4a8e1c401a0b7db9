package proc

import (
	"os"
	"strconv"
	"strings"
)

// Tree returns the process and all its descendants.
func (p *Process) Tree() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	children := make(map[int][]int)
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := readStat(pid)
		if err != nil {
			continue // It ended while we were looking.
		}
		children[stat.parent] = append(children[stat.parent], pid)
	}
	tree := []int{p.pid}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree, nil
}

// stat holds what this package needs of /proc/PID/stat.
type stat struct {
	parent      int
	userTicks   int64
	systemTicks int64
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

// parseStat reads a line of proc_pid_stat(5). The command's name may hold blanks and brackets, so fields are counted
// from its last closing bracket.
func parseStat(line string) (stat, error) {
	const parentField, userField, systemField = 1, 11, 12
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) <= systemField {
		return stat{}, os.ErrInvalid
	}
	parent, err := strconv.Atoi(fields[parentField])
	if err != nil {
		return stat{}, err
	}
	user, err := strconv.ParseInt(fields[userField], 10, 64)
	if err != nil {
		return stat{}, err
	}
	system, err := strconv.ParseInt(fields[systemField], 10, 64)
	if err != nil {
		return stat{}, err
	}
	return stat{parent: parent, userTicks: user, systemTicks: system}, nil
}
