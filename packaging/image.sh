#!/bin/sh
# Puts together what an image of AnyGate holds: packaging/image.sh DIRECTORY ARCHITECTURE COMMIT. The directory is the
# root of the image; nothing else of the machine goes in but the certificates of its authorities.
set -eu
root=$1 arch=$2 commit=$3
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
cp packaging/files/index.html "$root/usr/share/anygate/www/"
cp packaging/files/image.yml "$root/etc/anygate/anygate.yml"

# Where something may be written: OCSP responses and keys of ECH, and the demo site.
chown 65532:65532 "$root/var/lib/anygate"
chmod 0700 "$root/var/lib/anygate"
chmod 1777 "$root/tmp"
