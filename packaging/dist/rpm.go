package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Tags of RPM's header, and of the one before it, of which the sums of the header are.
const (
	rpmPayloadDigest = 5092
	rpmSum           = 273
	rpmSize          = 1000
)

var errRPM = errors.New("the package of RPM is not of the form that is known")

// relative makes the names in the payload of a package begin with "./", as rpmbuild's do. rpm itself installs both, but
// programs that unpack it in a directory, "rpm2cpio | cpio -id" and rpmlint with it, take a name from the root by its word:
// they lay the files into the machine they run on, over those that are there.
func relative(pkg []byte) ([]byte, error) {
	const lead = 96
	sums, err := headerAt(pkg, lead)
	if err != nil {
		return nil, err
	}
	from := lead + (len(sums.text)+7)/8*8
	header, err := headerAt(pkg, from)
	if err != nil {
		return nil, err
	}
	payload, err := relativePayload(pkg[from+len(header.text):])
	if err != nil {
		return nil, err
	}
	// The sums are as long as those that were there, so nothing moves.
	if err := header.set(rpmPayloadDigest, hexSum(payload)); err != nil {
		return nil, err
	}
	if err := sums.set(rpmSum, hexSum(header.text)); err != nil {
		return nil, err
	}
	if err := sums.set(rpmSize, binary.BigEndian.AppendUint32(nil, uint32(len(header.text)+len(payload)))); err != nil {
		return nil, err
	}
	// Both headers are parts of pkg, and were written in place.
	return slices.Concat(pkg[:from+len(header.text)], payload), nil
}

// hexSum is a sum as it stands in a header, where strings end with a zero.
func hexSum(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(hex.AppendEncode(nil, sum[:]), 0)
}

// rpmHeader is a header of RPM: 16 bytes, an index with 16 bytes for each tag, and the data.
type rpmHeader struct {
	text []byte
	tags int
}

func headerAt(pkg []byte, at int) (h rpmHeader, err error) {
	if len(pkg) < at+16 || !bytes.HasPrefix(pkg[at:], []byte{0x8e, 0xad, 0xe8, 1}) {
		return h, errRPM
	}
	h.tags = int(binary.BigEndian.Uint32(pkg[at+8:]))
	size := 16 + 16*h.tags + int(binary.BigEndian.Uint32(pkg[at+12:]))
	if len(pkg)-at < size {
		return h, errRPM
	}
	h.text = pkg[at : at+size]
	return h, nil
}

// set overwrites the data of a tag.
func (h rpmHeader) set(tag uint32, data []byte) error {
	for i := range h.tags {
		entry := h.text[16+16*i:]
		if binary.BigEndian.Uint32(entry) != tag {
			continue
		}
		at := 16 + 16*h.tags + int(binary.BigEndian.Uint32(entry[8:]))
		if len(h.text)-at < len(data) {
			return errRPM
		}
		copy(h.text[at:], data)
		return nil
	}
	return fmt.Errorf("%w: it lacks the tag %d", errRPM, tag)
}

// relativePayload does it in the compressed archive of files.
func relativePayload(packed []byte) ([]byte, error) {
	reader, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	archive, err := reader.DecodeAll(packed, nil)
	if err != nil {
		return nil, err
	}
	if archive, err = relativeNames(archive); err != nil {
		return nil, err
	}
	writer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	return writer.EncodeAll(archive, nil), nil
}

// relativeNames rewrites an archive in the "newc" format of cpio(5): for each file a head of 110 bytes, most of it numbers in
// eight digits, its name, which ends with a zero, and its content, both filled up to a multiple of four bytes.
func relativeNames(archive []byte) ([]byte, error) {
	const head, sizeAt, nameAt = 110, 54, 94
	fill := func(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }
	out := make([]byte, 0, len(archive)+4096)
	for at := 0; ; {
		if len(archive)-at < head || !bytes.HasPrefix(archive[at:], []byte("0707")) {
			return nil, errRPM
		}
		size, err := strconv.ParseUint(string(archive[at+sizeAt:at+sizeAt+8]), 16, 32)
		length, err2 := strconv.ParseUint(string(archive[at+nameAt:at+nameAt+8]), 16, 32)
		content := at + (head+int(length)+3)&^3
		next := content + (int(size)+3)&^3
		if err != nil || err2 != nil || length == 0 || next > len(archive) {
			return nil, errRPM
		}
		name := string(archive[at+head : at+head+int(length)-1])
		last := name == "TRAILER!!!"
		if strings.HasPrefix(name, "/") {
			name = "." + name
		}
		out = append(out, archive[at:at+nameAt]...)
		out = fmt.Appendf(out, "%08x%s%s\x00", len(name)+1, archive[at+nameAt+8:at+head], name)
		out = append(fill(out), archive[content:content+int(size)]...)
		out = fill(out)
		if last {
			return out, nil
		}
		at = next
	}
}
