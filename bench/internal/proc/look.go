package proc

import "os/exec"

// Look finds a program in PATH, or where Debian puts servers, which is not in every user's PATH.
func Look(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if path, lookErr := exec.LookPath("/usr/sbin/" + name); lookErr == nil {
		return path, nil
	}
	return "", err
}
