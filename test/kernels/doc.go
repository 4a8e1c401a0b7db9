// Command kernels boots the kernels that AnyGate promises to run on, and has each of them run AnyGate: which engine is
// chosen there, what reason is given, whether it serves, and whether the layers below pass their own tests. It is what
// `make test-kernels` runs; README.md says what is expected of which kernel and what was learned.
//
// Kernels are Debian's packages, downloaded and unpacked into a cache beside this file, never installed. They run under
// QEMU's own emulation, which needs neither privileges nor virtualisation, with all of user space in one initramfs: a
// first process (package guest), AnyGate, and statically linked test programs.
package main
