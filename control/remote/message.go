package remote

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"time"
)

// The commands.
const (
	Reload  = "reload"
	Upgrade = "upgrade"
	Stop    = "stop"
	// Health asks whether all shards answer. What the configuration says now does not matter to it: another one may be
	// served.
	Health = "health"
)

// Request is what a client asks for.
type Request struct {
	Do string `json:"do"`
	// Dry is to look only, for Reload.
	Dry bool `json:"dry,omitempty"`
	// Anywhere has a process do it that is none of this PID namespace's: of another container, whose configuration may have the
	// same path. It is for who names the socket, and means that one.
	Anywhere bool `json:"-"`
	// Program is the path of the program to go on with, for Upgrade; empty is the one that runs.
	Program string `json:"program,omitempty"`
}

// Answer is what came of it.
type Answer struct {
	OK bool `json:"ok"`
	// Looked says, for Health, that the answer is about the process. Who may not command it is told so without.
	Looked bool `json:"looked,omitempty"`
	// Text is for the user: lines of a report, or of an error.
	Text string `json:"text,omitempty"`
	// Wait says that it is done when the connection ends, which the end of the process does.
	Wait bool `json:"wait,omitempty"`
}

const (
	// maxMessage bounds a message. A longer one ends the connection.
	maxMessage = 4 << 20
	// requestTime is how long a client may take to say what it wants.
	requestTime = 5 * time.Second
	// acceptAgain is how long it is waited after a client could not be taken.
	acceptAgain = 100 * time.Millisecond
	// maxClients is how many are listened to at a time; further ones wait until one of these has said what it wants.
	maxClients = 8
	// maxCommands is how many have said so and wait for what comes of it; further ones are refused. Those before may wait for
	// one another, and whoever asks how the process is, or has it end, must not wait for them.
	maxCommands = 256
)

// Name is that of the socket of a process that serves a configuration.
func Name(config string) (string, error) {
	path, err := filepath.Abs(config)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(path))
	return "@anygate-" + hex.EncodeToString(sum[:12]), nil
}
