#!/usr/bin/env bash
# Installs the Debian packages that the tests run against: reference servers and proxies, a client, a load generator, a browser, an
# emulator.
# h2spec, which is a program in Go, is built from the module proxy. What is there already is left alone, so that a second run costs nothing.
set -euo pipefail

# What is started without -c in a test would serve it.
if [ -e /etc/anygate/anygate.yml ]; then
	echo "test/install.sh: an AnyGate is configured on this machine: move /etc/anygate/anygate.yml away while the tests run" >&2
	exit 1
fi

# program:package
needed=(nginx:nginx haproxy:haproxy curl:curl openssl:openssl testssl:testssl.sh wrk:wrk nghttp:nghttp2-client nghttpd:nghttp2-server chromium:chromium promtool:prometheus gcc:gcc qemu-system-x86_64:qemu-system-x86 xz:xz-utils debootstrap:debootstrap systemd-nspawn:systemd-container rpm:rpm cpio:cpio lintian:lintian qemu-aarch64-static:qemu-user-static file:file man:man-db ip:iproute2 podman:podman crun:crun zsh:zsh fish:fish npm:npm)

# h2spec has no go.mod; its version is the last, of 2019.
if ! [ -x "$(go env GOPATH)/bin/h2spec" ] && ! command -v h2spec >/dev/null; then
	(cd / && go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible)
fi

# Debian keeps servers where an ordinary user's PATH does not look.
PATH="$PATH:/usr/sbin:/sbin"

missing=()
for pair in "${needed[@]}"; do
	command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
# The race detector links against the C library.
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)

if [ ${#missing[@]} -eq 0 ]; then
	exit 0
fi

if ! command -v apt-get >/dev/null; then
	echo "test/install.sh: ${missing[*]} missing, and this is not Debian: install them by hand" >&2
	exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "test/install.sh: ${missing[*]} missing: run 'apt-get install ${missing[*]}' as root" >&2
		exit 1
	fi
	as_root=(sudo)
fi

echo "installing ${missing[*]}"
# RUNLEVEL=1 keeps a package from starting its service: nginx must not take port 80.
run=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o=Dpkg::Use-Pty=0)
"${run[@]}" update
"${run[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
