// Command dist makes what is released: static binaries for each architecture, archives, packages for Debian and RPM, the
// list of parts (SBOM), the report of licences, and checksums. The same source gives the same bytes, wherever and
// whenever it is run: nothing of the machine, the directory or the clock goes in.
//
//	cd packaging && go run ./dist -o ../dist
package main
