package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// importer is the program that converts configurations. It is one of its own, so that the server links nothing that only an
// import needs.
const importer = "anygate-import"

// importConfig runs the importer with the arguments as they are; it has the same exit codes: 0 complete, 1 not, 2 error.
func importConfig(t terminal, args []string) int {
	program, err := findImporter()
	if err != nil {
		fmt.Fprintf(t.err, "anygate import: %v\n", err)
		return exitUsage
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, t.out, t.err
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case err == nil:
		return exitOK
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	default:
		fmt.Fprintf(t.err, "anygate import: %s: %v\n", program, err)
		return exitUsage
	}
}

// findImporter looks beside this program, and then in PATH.
func findImporter() (string, error) {
	if self, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		beside := filepath.Join(filepath.Dir(self), importer)
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return beside, nil
		}
	}
	program, err := exec.LookPath(importer)
	if err != nil {
		return "", errors.New("the program " + importer + " is neither beside anygate nor in PATH; it comes with the packages and archives of AnyGate, and \"make build\" makes it from the sources")
	}
	return program, nil
}
