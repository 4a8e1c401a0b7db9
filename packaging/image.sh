#!/bin/sh
# Puts together what an image of AnyGate holds: packaging/image.sh DIRECTORY ARCHITECTURE COMMIT. The directory is the
# root of the image; nothing else of the machine goes in but the certificates of its authorities.
set -eu
mkdir -p "$1"
root=$(cd "$1" && pwd) arch=$2 commit=$3
cd "$(dirname "$0")/.."

mkdir -p "$root/usr/bin" "$root/etc/anygate" "$root/etc/ssl/certs" "$root/usr/share/anygate/www" "$root/var/lib/anygate" "$root/tmp"
CGO_ENABLED=0 GOOS=linux GOARCH="$arch" GOFLAGS= go build -trimpath -buildvcs=false \
	-ldflags "-s -w -buildid= -X main.commit=$commit" -o "$root/usr/bin/anygate" ./cmd/anygate

# The names of the two users, for whoever looks at a list of processes.
printf 'root:x:0:0:root:/:/sbin/nologin\nanygate:x:65532:65532:AnyGate:/nonexistent:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nanygate:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

# By whom certificates of upstreams are vouched for.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp LICENSE "$root/usr/share/anygate/"
# What the program is made of, whose licences want to go with it.
{
	printf 'std %s\n' "$(go env GOROOT)"
	GOOS=linux GOARCH="$arch" GOFLAGS=-buildvcs=false go list -deps -f '{{with .Module}}{{.Path}} {{.Dir}}{{end}}' ./cmd/anygate
} | sort -u | while read -r module dir; do
	for file in "$dir"/LICENSE* "$dir"/LICENCE* "$dir"/COPYING* "$dir"/NOTICE*; do
		if [ -n "$module" ] && [ -f "$file" ]; then printf '%s: %s\n\n' "$module" "${file##*/}" && cat "$file" && printf '\n'; fi
	done
done >"$root/usr/share/anygate/LICENSES.txt"
cp packaging/files/index.html "$root/usr/share/anygate/www/"
cp packaging/files/image.yml "$root/etc/anygate/anygate.yml"

# Where something may be written: OCSP responses and keys of ECH, and the demo site.
chown 65532:65532 "$root/var/lib/anygate"
chmod 0700 "$root/var/lib/anygate"
chmod 1777 "$root/tmp"
