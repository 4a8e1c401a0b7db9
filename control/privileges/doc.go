// Package privileges gives up what a process has no more use for: another user's rights, capabilities, the way to gain
// privileges by executing programs, and the files that its configuration does not name.
//
//	account      the user and groups that a name stands for
//	capability   sets of capabilities, and which of them binding needs
//	status       what the kernel says that a process may
//	reach        paths, and what may be done with them
//	landlock     has the kernel enforce a list of these
//	become       all of it, by executing the program again
//	files        files that were read before, for who may not read them any more
//	state        what the program that is executed has to know
//
// # How
//
// Credentials, no_new_privs and the domains of Landlock are a thread's, and a Go process has many threads. So one thread
// gives everything up, and executes the program again: execve(2) ends the other threads, and all that come after inherit from the
// one that is left. The process stays the same one, with its number, its parent and the descriptors that are meant to
// stay. Nothing that was in its memory before is left.
//
// # Threads
//
// Become has to be called when nothing but the caller matters any more. Files may be used by any goroutine.
//
// # Bytes
//
// Files owns what it keeps, and hands out copies. It is handed to the next program in sealed memory, never in a file.
//
// It knows nothing of configurations, and never opens a socket.
package privileges
