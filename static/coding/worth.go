package coding

import "strings"

// Least is the shortest content worth coding, in bytes: anything shorter travels
// in one packet together with its head, coded or not.
const Least = 1 << 10

// Pays reports whether a coded form is worth keeping: it has to save a
// sixteenth, because the client pays for decoding it.
func Pays(size, coded int64) bool { return coded > 0 && coded <= size-size/16 }

// Compressible reports whether content of a media type usually becomes much
// smaller by coding: text in all its forms, and binary formats that are not compressed
// themselves. Pictures, audio, video, archives, office documents and WOFF fonts are,
// and what is not known is left alone.
func Compressible(mediaType string) bool {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	mediaType = strings.TrimRight(mediaType, " \t")
	kind, _, _ := strings.Cut(mediaType, "/")
	switch {
	case kind == "text",
		strings.HasSuffix(mediaType, "+json"),
		strings.HasSuffix(mediaType, "+xml"):
		return true
	}
	return compressible[mediaType]
}

// compressible are the types that their names do not give away.
var compressible = map[string]bool{
	"application/cbor":                   true,
	"application/graphql":                true,
	"application/javascript":             true,
	"application/json":                   true,
	"application/json5":                  true,
	"application/jsonl":                  true,
	"application/mbox":                   true,
	"application/msword":                 true,
	"application/pgp-keys":               true,
	"application/pkix-crl":               true,
	"application/postscript":             true,
	"application/rtf":                    true,
	"application/sparql-query":           true,
	"application/vnd.apple.mpegurl":      true,
	"application/vnd.mapbox-vector-tile": true,
	"application/vnd.ms-excel":           true,
	"application/vnd.ms-fontobject":      true,
	"application/vnd.ms-powerpoint":      true,
	"application/vnd.sqlite3":            true,
	"application/wasm":                   true,
	"application/x-java-jnlp-file":       true,
	"application/x-ndjson":               true,
	"application/x-pem-file":             true,
	"application/x-protobuf":             true,
	"application/x-subrip":               true,
	"application/xml":                    true,
	"application/yaml":                   true,
	"audio/midi":                         true,
	"audio/wav":                          true,
	"audio/x-mpegurl":                    true,
	"audio/x-scpls":                      true,
	"font/collection":                    true,
	"font/otf":                           true,
	"font/ttf":                           true,
	"image/bmp":                          true,
	"image/vnd.adobe.photoshop":          true,
	"image/x-icon":                       true,
	"image/x-portable-bitmap":            true,
	"image/x-portable-graymap":           true,
	"image/x-portable-pixmap":            true,
	"image/x-tga":                        true,
	"message/rfc822":                     true,
	"model/gltf-binary":                  true,
	"model/iges":                         true,
	"model/mtl":                          true,
	"model/obj":                          true,
	"model/stl":                          true,
	"model/vrml":                         true,
}
