package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/anygate/anygate/test/kernels/order"
)

const emulator = "qemu-system-x86_64"

// commandLine is the kernel's. A panic restarts the machine, and with -no-reboot that is the end of the emulator. The
// emulated processor has none of the faults that mitigations slow it down for.
const commandLine = "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable"

// processor is what is emulated: all that there is, but for CMPXCHG16B, after which QEMU 7.2 may leave the flags register
// with whatever was computed before, so that a kernel that allocates memory with it dies of a double fault now and then;
// and for tables of five levels, which only cost time.
const processor = "max,cx16=off,la57=off"

// machine is what a boot needs of the host.
type machine struct {
	image string // of the kernel
	root  string // with the programs
	work  string // an empty directory
	limit time.Duration
}

// result is what came of a boot.
type result struct {
	release  string
	outcomes []order.Outcome
	seconds  float64
	console  string
	// trouble is what kept the guest from its work, or from saying so.
	trouble error
}

// start boots a kernel and waits until the guest is done, or its time is over.
func (m *machine) start(ctx context.Context, b *boot) (*result, error) {
	initramfs := filepath.Join(m.work, "initramfs")
	console := filepath.Join(m.work, "console")
	report := filepath.Join(m.work, "report")
	// Modules lie two levels above the image.
	loaded, err := modules(ctx, filepath.Dir(filepath.Dir(m.image)), b.modules)
	if err != nil {
		return nil, err
	}
	err = writeImage(initramfs, m.root, loaded, &order.Order{
		Settings: b.settings, User: b.user, LockedMemory: b.lockedMemory, Programs: b.programs,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, m.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, emulator,
		"-accel", "tcg,thread=multi", "-cpu", processor, "-smp", "2", "-m", "1024",
		"-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
		"-kernel", m.image, "-initrd", initramfs, "-append", commandLine,
		"-serial", "file:"+console, "-serial", "file:"+report)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	began := time.Now()
	output, err := cmd.CombinedOutput()
	r := &result{seconds: time.Since(began).Seconds()}
	text, e := os.ReadFile(console)
	if e != nil {
		return nil, fmt.Errorf("%s: %w\n%s", emulator, errors.Join(err, e), output)
	}
	r.console = strings.ReplaceAll(string(text), "\r\n", "\n")
	switch {
	case ctx.Err() != nil:
		r.trouble = fmt.Errorf("the guest has not ended within %s", m.limit)
	case err != nil:
		r.trouble = fmt.Errorf("%s: %w\n%s", emulator, err, output)
	}
	f, e := os.Open(report)
	if e != nil {
		return nil, e
	}
	defer f.Close()
	if e := r.read(f); r.trouble == nil {
		r.trouble = e
	}
	return r, nil
}

// read takes the guest's report, and returns what is wrong with it.
func (r *result) read(report io.Reader) error {
	var trouble error
	for lines := json.NewDecoder(report); ; {
		var l order.Line
		switch err := lines.Decode(&l); {
		case errors.Is(err, io.EOF):
			return errors.Join(trouble, errors.New("the guest has ended without saying that it is done"))
		case err != nil:
			return fmt.Errorf("reading the guest's report: %w", err)
		case l.Done:
			return trouble
		case l.Trouble != "":
			trouble = errors.New(l.Trouble)
		case l.Outcome != nil:
			r.outcomes = append(r.outcomes, *l.Outcome)
		case l.Release != "":
			r.release = l.Release
		}
	}
}
