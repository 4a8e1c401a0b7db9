package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/route"
)

// maxOthers is how many routes that do not answer are listed at most: those nearest to it. The rest is counted.
const maxOthers = 20

// because says why a route that answers matches.
func (e *explanation) because(h *route.Head) string {
	var why []string
	switch {
	case h.Host == "":
		why = append(why, "it is for every host")
	case strings.HasPrefix(h.Host, "*."):
		why = append(why, fmt.Sprintf("the host %s is one of %s", e.request.Bytes(e.request.HostName), h.Host))
	default:
		why = append(why, "it is for the host "+h.Host)
	}
	switch {
	case h.HasRest():
		why = append(why, fmt.Sprintf("the path begins with %s", strings.TrimSuffix(h.Path, "*")))
	case len(h.Params()) > 0:
		why = append(why, fmt.Sprintf("the path has the shape %s", h.Path))
	default:
		why = append(why, "the path is the same")
	}
	switch method := string(e.request.Bytes(e.request.Method)); {
	case len(h.Methods) == 0:
		why = append(why, "every method is allowed")
	case slices.Contains(h.Methods, method):
		why = append(why, "the method "+method+" is listed")
	default:
		why = append(why, "a route for GET answers "+method+" as well")
	}
	return strings.Join(why, ", ")
}

// distance is how near a route came to answering; the nearest are listed first.
type distance int

const (
	lessSpecific distance = iota
	wrongMethod
	wrongPath
	wrongHost
)

// others says why the other routes do not answer. Where a route matches host and path, only those that do as well are
// of interest, and the others are counted.
func (e *explanation) others(winner int, answered bool) {
	farthest, title, unlisted := wrongHost, "the other routes do not answer:", 0
	if answered {
		farthest, title = wrongMethod, "other routes for this host and path do not answer:"
	}
	var lists [wrongHost + 1][]string
	for i := range e.cfg.Routes {
		if i == winner {
			continue
		}
		r := &e.cfg.Routes[i]
		d, why := e.against(&r.Head, winner)
		if d > farthest {
			unlisted++
			continue
		}
		lists[d] = append(lists[d], fmt.Sprintf("    %-28q %s%s", r.Head.String(), why, place(r.Pos)))
	}
	all := slices.Concat(lists[:]...)
	if len(all) == 0 {
		if unlisted > 0 {
			fmt.Fprintf(&e.out, "\nno other route matches; the host or path of %d differs\n", unlisted)
		}
		return
	}
	e.out.WriteString("\n" + title + "\n")
	for _, line := range all[:min(len(all), maxOthers)] {
		e.out.WriteString(line + "\n")
	}
	if n := len(all) - maxOthers; n > 0 {
		fmt.Fprintf(&e.out, "    and %d more like these\n", n)
	}
	if unlisted > 0 {
		fmt.Fprintf(&e.out, "    the host or path of %d more differs\n", unlisted)
	}
}

// against says what keeps a route from answering.
func (e *explanation) against(h *route.Head, winner int) (distance, string) {
	method := string(e.request.Bytes(e.request.Method))
	switch {
	case h.Host != "" && !e.matches(h.Host+"/"):
		return wrongHost, fmt.Sprintf("the host is not %s", h.Host)
	case !e.matches(h.Path):
		return wrongPath, "the path differs"
	case len(h.Methods) > 0 && !slices.Contains(h.Methods, method) && (e.request.MethodID != http1.HEAD || !slices.Contains(h.Methods, "GET")):
		return wrongMethod, fmt.Sprintf("the method is not %s", strings.Join(h.Methods, " or "))
	}
	best := &e.cfg.Routes[winner].Head
	switch {
	case h.Host != best.Host:
		return lessSpecific, "it matches too, but its host is less specific"
	case h.Path != best.Path:
		return lessSpecific, "it matches too, but its path is less specific"
	}
	return lessSpecific, "it matches too, but its method is less specific"
}

// matches says whether a route for every method with that host and path would match.
func (e *explanation) matches(hostPath string) bool {
	h, err := route.ParseHead(hostPath)
	if err != nil {
		return false
	}
	var b route.Builder
	b.Add(h, 0)
	var m route.Match
	return b.Build().Match(e.request.Bytes(e.request.Method), e.request.Bytes(e.request.Host), e.norm, &m) == route.Found
}
