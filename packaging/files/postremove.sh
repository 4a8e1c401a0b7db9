#!/bin/sh
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
case "$1" in
remove)
	# Whether it was enabled is kept, and the next installation goes by it.
	if command -v deb-systemd-helper >/dev/null; then
		deb-systemd-helper mask anygate.service anygate.socket >/dev/null || true
	fi
	;;
purge)
	if command -v deb-systemd-helper >/dev/null; then
		deb-systemd-helper purge anygate.service anygate.socket >/dev/null || true
		deb-systemd-helper unmask anygate.service anygate.socket >/dev/null || true
	fi
	# The user stays, as Debian advises: files may belong to it. What a purge removes is what the program wrote by itself.
	rm -rf /var/lib/anygate /var/log/anygate
	;;
esac
