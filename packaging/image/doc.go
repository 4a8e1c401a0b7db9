// Package image tests the Dockerfile where there is no builder of images: it puts the image together by the script that
// the Dockerfile runs, and starts it as the Dockerfile says, in a root of its own, as that user.
package image
