#!/usr/bin/env bash
# Installs the Debian packages that the tests run against: reference servers and proxies, a client, a load generator, a browser, an
# emulator.
# What is there already is left alone, so that a second run costs nothing.
set -euo pipefail

# program:package
needed=(nginx:nginx haproxy:haproxy curl:curl wrk:wrk chromium:chromium gcc:gcc qemu-system-x86_64:qemu-system-x86)

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
