// Package image tests the Dockerfile. Once by hand, where nothing of a container engine is: the image is put together by the script
// that the Dockerfile runs, and started as the Dockerfile says, in a root of its own, as that user. And once by podman, which
// builds and runs it.
package image
