package static

import (
	"html"
	"strconv"
	"strings"
	"time"
)

const (
	listingStyle = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}" +
		"table{border-collapse:collapse;width:100%}td,th{padding:.2rem .5rem;text-align:left}" +
		"td+td,th+th{text-align:right;white-space:nowrap}tr:hover td{background:#8882}"
	listingTime = "2006-01-02 15:04"
)

// appendListingHTML writes a listing as a page. References are relative, so that
// they hold under whatever prefix the site is mounted, and begin with "./", so that
// no name is taken for a scheme.
func appendListingHTML(b []byte, title string, top bool, entries []listed) []byte {
	title = html.EscapeString(strings.ToValidUTF8(title, "\uFFFD"))
	b = append(b, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"+
		"<meta name=\"viewport\" content=\"width=device-width\">\n<title>"...)
	b = append(b, title...)
	b = append(b, "</title>\n<style>"+listingStyle+"</style>\n<h1>"...)
	b = append(b, title...)
	b = append(b, "</h1>\n<table>\n<tr><th>Name<th>Size<th>Modified (UTC)\n"...)
	if !top {
		b = append(b, "<tr><td><a href=\"../\">../</a><td><td>\n"...)
	}
	for _, e := range entries {
		slash := ""
		if e.directory {
			slash = "/"
		}
		b = append(b, "<tr><td><a href=\"./"...)
		b = appendReference(b, e.name)
		b = append(b, slash...)
		b = append(b, "\">"...)
		b = append(b, html.EscapeString(strings.ToValidUTF8(e.name, "\uFFFD"))...)
		b = append(b, slash...)
		b = append(b, "</a><td>"...)
		if !e.directory {
			b = appendSize(b, e.size)
		}
		b = append(b, "<td>"...)
		b = time.Unix(e.modified, 0).UTC().AppendFormat(b, listingTime)
		b = append(b, '\n')
	}
	return append(b, "</table>\n"...)
}

// appendMore writes that the listing is not complete.
func appendMore(b []byte, entries int) []byte {
	b = append(b, "<p>There is more: only "...)
	b = strconv.AppendInt(b, int64(entries), 10)
	return append(b, " entries are listed.\n"...)
}

// appendReference percent-encodes a name, and with it what HTML would need to
// have escaped.
func appendReference(b []byte, name string) []byte {
	const upperHex = "0123456789ABCDEF"
	for i := range len(name) {
		if c := name[i]; inPath(c) && c != '&' && c != '\'' {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// appendSize writes a number of octets with three significant digits or so.
func appendSize(b []byte, n int64) []byte {
	if n < 1024 {
		return append(strconv.AppendInt(b, n, 10), " B"...)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1023.95 && unit < 5 {
		value /= 1024
		unit++
	}
	b = strconv.AppendFloat(b, value, 'f', 1, 64)
	return append(append(append(b, ' '), "KMGTPE"[unit]), "iB"...)
}
