package config

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/route"
)

// The forms of scalars. Wherever something is expected of a string, ${NAME} may stand for it.
var (
	variable = form{"type": "string", "pattern": `\$\{`, "description": "${NAME} or ${NAME:-default}: a variable of the environment"}
	anyText  = form{"type": []string{"string", "number"}}

	durationForm      = matching(`([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+`, "250ms, 5s, 10m, 1h or 1d")
	shortDurationForm = matching(`([0-9]+(\.[0-9]+)?(us|ms|s|m|h|d))+`, "20us, 50us or 1ms")
	byteRateForm      = matching(`[0-9]+(\.[0-9]+)?(([KMGT]i?)?B)?/s`, "500B/s or 64KiB/s")
	percentForm       = matching(`[0-9]+(\.[0-9]+)?%`, "20%")
)

// matching is a string of some form, or one with variables.
func matching(pattern, about string) form {
	return form{"type": "string", "pattern": "^" + pattern + `$|\$\{`, "description": about}
}

func integerForm(lo, hi int) form {
	return form{"type": "integer", "minimum": lo, "maximum": hi}
}

// sizeForms are a number of bytes, or one with a unit.
func sizeForms(lo, hi int64) []form {
	number := form{"type": "integer", "minimum": lo}
	if hi < math.MaxInt64 {
		number["maximum"] = hi
	}
	return []form{matching(`[0-9]+(\.[0-9]+)?([KMGT]i?)?B`, "64KiB, 10MiB or 2GB"), number}
}

// wordForms are words, in all the types that YAML takes them for.
func wordForms(words ...string) []form {
	var forms []form
	for _, w := range words {
		switch w {
		case "true", "false":
			forms = append(forms, form{"const": w == "true"})
			continue
		}
		forms = append(forms, form{"const": w})
		if f, err := strconv.ParseFloat(w, 64); err == nil {
			forms = append(forms, form{"const": f})
		}
	}
	return forms
}

// textForms are what is known of a text by what messages say is expected there.
func textForms(want string) []form {
	if forms := texts[want]; forms != nil {
		return forms
	}
	f := form{"type": anyText["type"]}
	if want != "" {
		f["description"] = want
	}
	return []form{f}
}

const wantPolicy = "a policy such as limit 100/s per ip"

// texts has the forms of texts by what is expected.
var texts = map[string][]form{
	wantListen: {matching(
		`\s*(:[0-9]+|[0-9]+(\.[0-9]+){3}:[0-9]+|\[[0-9A-Fa-f:.]+\]:[0-9]+|unix:[/@]\S+)(\s+(`+strings.Join(listenOptions, "|")+`))*\s*`, wantListen,
	)},
	wantMember: {matching(
		`\s*((https?://)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?/?|unix:/\S+|srv:\S+)(\s+(backup|weight\s+[0-9]+))*\s*`, wantMember,
	)},
	wantPolicy: {matching(`\s*(`+strings.Join(policy.Names(), "|")+`)(\s.*)?`, wantPolicy)},
	wantCause:  append(wordForms("connect", "reset", "timeout"), integerForm(400, 599)),
	wantHealthStatus: {
		integerForm(100, 599), matching(`([1-5]xx|[1-5][0-9][0-9](-[1-5][0-9][0-9])?)`, wantHealthStatus),
	},
	"STATUS [BODY]": statusForms("", `(\s[\s\S]*)?`, "STATUS [BODY]"),
	`"*" or STATUS`: append(statusForms("", `(\s+\*)?`, `"*" or STATUS`), form{"const": "*"}, form{"const": true}),
	"http://HOST[:PORT][/PATH] or unix:/PATH": {
		matching(`\s*((https?|h2c)://\S+|unix:/\S+)(\s+((https?|h2c)://\S+|unix:/\S+))*\s*`, "http://HOST[:PORT][/PATH] or unix:/PATH"),
	},
	"a path that starts with /, ./ or ../": {matching(`(/|\.\.?(/|$)).*`, "a path that starts with /, ./ or ../")},
}

// statusForms are a status by number or name, with something before and behind it.
func statusForms(before, behind, about string) []form {
	return []form{integerForm(200, 599), matching(before+`([2-5][0-9][0-9]|`+strings.Join(route.StatusNames(), "|")+`)`+behind, about)}
}

// actionForms are the one-line form of a route.
var actionForms = slices.Concat(
	statusForms(`\s*`, `(\s[\s\S]*|\|.*)?`, "a fixed answer: STATUS [BODY]"),
	[]form{
		matching(`\s*\*\s*(\|.*)?`, "an echo"),
		matching(`\s*((https?|h2c)://|unix:/)\S[\s\S]*`, "a reverse proxy: URI... [| POLICY]..."),
		matching(`\s*(/|\.\.?(/|\s|$))[\s\S]*`, "a static site or file: PATH [| POLICY]..."),
	},
)

// headPattern is METHODS HOST PATH, or what a merge or a variable stands for.
const headPattern = `^\s*([^\s/]+\s+)*[^\s/]*/[^\s]*\s*$|\$\{`

// alsoTaken are words that readers look for before they say what they expect.
var alsoTaken = map[string][]form{
	"tls.ech":                wordForms("off", "false"),
	"tls.hsts":               wordForms("on", "off", "true", "false"),
	"health.grpc":            wordForms("on", "off", "true", "false"),
	"trace.headers":          {{"type": "object", "additionalProperties": anyText}},
	"upstream.panic":         wordForms("false"),
	"upstream.grpc-failures": wordForms("off", "false"),
	"upstream.keepalive":     wordForms("false"),
	"route.retry":            wordForms("false"),
	"proxy.retry":            wordForms("false"),
	"group-proxy.retry":      wordForms("false"),
}

// demands are what an object has to have.
var demands = map[string]form{
	"route":       {"oneOf": oneKeyOf(actionKeys)},
	"upstream":    {"required": []string{"members"}},
	"member":      {"required": []string{"addr"}},
	"group":       {"required": []string{"routes"}},
	"certificate": {"required": []string{"cert"}},
	"tls.ech":     {"required": []string{"public-name", "keys"}},
	"tls.clients": {"required": []string{"ca"}},
}

func oneKeyOf(keys []string) []form {
	var out []form
	for _, k := range keys {
		out = append(out, form{"required": []string{k}})
	}
	return out
}
