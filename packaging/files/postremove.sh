#!/bin/sh
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
# The user stays, as Debian advises: files may belong to it. What a purge removes is what the program wrote by itself.
case "$1" in
purge)
	rm -rf /var/lib/anygate /var/log/anygate
	;;
esac
