package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/test/kernels/order"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: this is the first process of a kernel under test, see test/kernels")
		os.Exit(2)
	}
	work()
	off()
}

// work never ends the process, which would be the end of the kernel by a panic: what goes wrong is reported.
func work() {
	if err := mount(); err != nil {
		fmt.Println("guest:", err)
		return
	}
	port, err := os.OpenFile(order.Port, os.O_WRONLY, 0)
	if err != nil {
		fmt.Println("guest:", err)
		return
	}
	lines := json.NewEncoder(port)
	report := func(l order.Line) {
		if err := lines.Encode(l); err != nil {
			fmt.Println("guest: reporting:", err)
		}
	}
	if err := carryOut(report); err != nil {
		fmt.Println("guest:", err)
		report(order.Line{Trouble: err.Error()})
	}
	report(order.Line{Done: true})
	drain(port)
}

func carryOut(report func(order.Line)) error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	report(order.Line{Release: unix.ByteSliceToString(u.Release[:])})
	text, err := os.ReadFile(order.Path)
	if err != nil {
		return err
	}
	var o order.Order
	if err := json.Unmarshal(text, &o); err != nil {
		return fmt.Errorf("%s: %w", order.Path, err)
	}
	if err := prepare(&o); err != nil {
		return err
	}
	for i := range o.Programs {
		outcome, err := run(&o, &o.Programs[i])
		if err != nil {
			return fmt.Errorf("running %s: %w", o.Programs[i].Name, err)
		}
		report(order.Line{Outcome: outcome})
	}
	return nil
}

// off restarts the machine, which the emulator takes for its end. It is quicker than turning it off, and needs no ACPI.
func off() {
	drain(os.Stdout)
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART); err != nil {
		fmt.Println("guest: restarting:", err)
	}
	// The end of this process would be a panic, which ends the emulator too, but looks like a defect.
	for {
		time.Sleep(time.Hour)
	}
}

// drain waits until a serial port has sent what was written to it.
func drain(f *os.File) {
	// An argument other than 0 makes TCSBRK wait without sending a break, as tcdrain(3) does.
	if err := unix.IoctlSetInt(int(f.Fd()), unix.TCSBRK, 1); err != nil {
		fmt.Println("guest: draining", f.Name()+":", err)
	}
}
