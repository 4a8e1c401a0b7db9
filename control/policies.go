package control

import (
	"errors"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/cors"
)

// policies compiles the policies of a route that are carried out beside its action; nil if there are none. Those that
// are a part of the action, how to balance say, are members of the route.
func (c *compiler) policies(r *config.Route) (*gateway.Policies, error) {
	out, any := new(gateway.Policies), false
	var errs error
	for _, p := range r.Policies {
		known, err := c.policy(r, p, out)
		any, errs = any || known, errors.Join(errs, err)
	}
	if !any {
		return nil, errs
	}
	return out, errs
}

// policy adds one policy, and reports whether it is one that is carried out here.
func (c *compiler) policy(r *config.Route, p policy.Policy, out *gateway.Policies) (known bool, err error) {
	switch p := p.(type) {
	case policy.Conns:
		return true, c.conns(r, p, out)
	case policy.Limit:
		return true, c.limit(r, p, out)
	case policy.Allow, policy.Deny:
		out.Access = accessList(r.Policies)
	case policy.CORS:
		out.CORS = cors.New(origins(p), p.Credentials, p.MaxAge)
	case policy.Auth:
		out.Auth, err = c.auth(r, p)
	case policy.Body:
		out.Body = &gateway.BodyLimit{Bytes: p.Max}
	case policy.Timeout:
		out.Timeout = p.After
	case policy.Headers:
		if !p.Request {
			out.Fields = gateway.NewFieldEdits(edits(p))
		}
	case policy.Compress:
		out.Compress = !p.Off
	case policy.Log:
		out.Log = &gateway.LogShare{Of100000: uint32(p.Share)}
	default:
		return false, nil
	}
	return true, err
}
