package control

import (
	"errors"
	"fmt"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/static"
)

// errorPages builds the pages for errors, once for all routes that have the same; nil where there are none.
func (c *compiler) errorPages(e *config.Errors) *gateway.ErrorPages {
	if len(e.Pages) == 0 {
		return nil
	}
	key := pagesKey(e)
	if p, known := c.pages[key]; known {
		return p
	}
	out := &gateway.ErrorPages{Intercept: e.Intercepts()}
	for i := range e.Pages {
		p := &e.Pages[i]
		media, body, err := c.pageContent(p)
		if err != nil {
			c.err = errors.Join(c.err, at(p.Pos, err))
			continue
		}
		setPage(out, p.Status, media, body)
	}
	c.pages[key] = out
	return out
}

// pagesKey tells pages apart by where they stand in the configuration.
func pagesKey(e *config.Errors) string {
	key := fmt.Sprint(e.Intercepts())
	for _, p := range e.Pages {
		key += fmt.Sprintf(" %d %q %q %v", p.Status, p.File, p.Body, p.Pos)
	}
	return key
}

// setPage adds the page of a status, or of a class. Classes come before statuses, which replace what those have said.
// Statuses that have no name are never the gateway's own, so their page is never sent as it is: one does for all.
func setPage(out *gateway.ErrorPages, status int, media string, body []byte) {
	if status >= 10 {
		out.Set(status, gateway.NewFixed(status, media, body))
		return
	}
	first := status * 100
	unnamed := gateway.NewFixed(first, media, body)
	for s := first; s < first+100; s++ {
		f := unnamed
		if http1.StatusText(s) != "" {
			f = gateway.NewFixed(s, media, body)
		}
		out.Set(s, f)
	}
}

// pageContent reads the content of a page.
func (c *compiler) pageContent(p *config.ErrorPage) (media string, body []byte, err error) {
	switch {
	case p.JSON:
		return jsonType, []byte(p.Body), nil
	case p.File == "":
		return textType, []byte(p.Body), nil
	}
	body, err = c.cfg.ReadFile(p.Path)
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("cannot read the page %s: %s", p.File, cause(err))
	case len(body) > config.MaxPageBytes:
		return "", nil, fmt.Errorf("the page %s is larger than %s", p.File, quantity.FormatSize(config.MaxPageBytes))
	}
	return static.ContentType(p.File), body, nil
}
