// Command anygate is an edge proxy: it serves sites, answers, redirects and reverse-proxies what one readable file says.
//
//	anygate                         serve ./anygate.yml, else /etc/anygate/anygate.yml, else a built-in demo site
//	anygate serve [DIR|URL]         the same, or a directory or an upstream without a configuration
//	anygate serve --demo            the demo site, whatever configuration there is
//	anygate check                   validate a configuration
//	anygate explain METHOD URL      say which route answers a request, and how
//	anygate sign --key KEY          sign a configuration, for serve --trust
//	anygate pack DIR                precompress a site; --check for CI
//	anygate health [URL]            ask a server whether it answers, for supervisors without a client of HTTP
//	anygate schema                  print the JSON Schema of the configuration
//	anygate completion SHELL        print what makes a shell complete commands
//	anygate tune WORD               check, apply, revert or verify the settings of the host
//	anygate version                 say what this is, and which engine it would run on
//
// The commands only wire packages together. They run on the main goroutine and own nothing but the arguments; what
// serves is package control. Exit codes are 0 for success, 1 for a failure (a configuration with errors, a port that is
// taken, connections that a second signal cut off, an answer that cannot be written), and 2 for a command line that is not understood or not available in this
// version. Those of tune are for CI: 1 says that something is to be done, and 2 is any error.
package main
