package trial

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// writePprof turns a recording of perf into a profile for go tool pprof: the same stacks, kernel included, as a flame
// graph in a browser, and comparable with -diff_base between two servers or two runs.
func writePprof(ctx context.Context, perf, data, pids, path string) error {
	command := exec.CommandContext(ctx, perf, "script", "-i", data, "--pid", pids, "-F", "comm,ip,sym,dso")
	output, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	stacks, err := readStacks(output)
	// What was not read would keep perf from ending.
	_, _ = io.Copy(io.Discard, output)
	if waitErr := command.Wait(); err == nil {
		err = waitErr
	}
	if err != nil {
		return fmt.Errorf("perf script: %w", err)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	compressed := gzip.NewWriter(file)
	_, err = compressed.Write(encodeProfile(stacks))
	if closeErr := compressed.Close(); err == nil {
		err = closeErr
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// frameLine is a line of a stack: address, symbol with an offset that may be missing, file in parentheses.
var frameLine = regexp.MustCompile(`^\s+[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)? \(([^)]*)\)\s*$`)

// readStacks counts equal stacks. A stack is its frames joined by newlines, the innermost first.
func readStacks(r io.Reader) (map[string]int, error) {
	stacks := make(map[string]int)
	var frames []string
	finish := func() {
		if len(frames) > 0 {
			stacks[strings.Join(frames, "\n")]++
			frames = frames[:0]
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			finish()
		} else if frame := frameLine.FindStringSubmatch(lines.Text()); frame != nil {
			name := frame[1]
			if name == "[unknown]" {
				name += " " + frame[2]
			}
			frames = append(frames, name)
		}
	}
	finish()
	return stacks, lines.Err()
}

// encodeProfile writes the message perftools.profiles.Profile (profile.proto of github.com/google/pprof). A function
// stands for its own location: perf has resolved the addresses.
func encodeProfile(stacks map[string]int) []byte {
	const (
		sampleType, sample, location, function, stringTable = 1, 2, 4, 5, 6
		typeName, typeUnit                                  = 1, 2
		sampleLocation, sampleValue                         = 1, 2
		locationID, locationLine, lineFunction              = 1, 4, 1
		functionID, functionName                            = 1, 2
	)
	table, places := []string{"", "samples", "count"}, make(map[string]uint64)
	var out message
	out.nested(sampleType, message{}.number(typeName, 1).number(typeUnit, 2))
	for stack, count := range stacks {
		var one message
		for name := range strings.SplitSeq(stack, "\n") {
			id, known := places[name]
			if !known {
				id = uint64(len(places) + 1)
				places[name] = id
				table = append(table, name)
				out.nested(location, message{}.number(locationID, id).with(locationLine, message{}.number(lineFunction, id)))
				out.nested(function, message{}.number(functionID, id).number(functionName, uint64(len(table)-1)))
			}
			one = one.number(sampleLocation, id)
		}
		out.nested(sample, one.number(sampleValue, uint64(count)))
	}
	for _, text := range table {
		out.nested(stringTable, message(text))
	}
	return out
}

// message is a message of protocol buffers in the making.
type message []byte

// number appends a field that is a number.
func (m message) number(field int, value uint64) message {
	return binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3), value)
}

// with appends a field that is a message or a string.
func (m message) with(field int, inner message) message {
	const lengthDelimited = 2
	m = binary.AppendUvarint(m, uint64(field)<<3|lengthDelimited)
	return append(binary.AppendUvarint(m, uint64(len(inner))), inner...)
}

// nested appends in place.
func (m *message) nested(field int, inner message) { *m = m.with(field, inner) }
