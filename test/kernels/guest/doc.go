// Command guest is the first process of a kernel under test: it prepares the file system that every program expects,
// carries out the order in the initramfs, reports, and turns the machine off. It is run as /init and as nothing else.
package main
