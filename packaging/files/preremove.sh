#!/bin/sh
set -e

# dpkg says "remove" or "upgrade"; rpm says how many versions will be left.
case "$1" in
remove)
	if [ -d /run/systemd/system ]; then
		deb-systemd-invoke stop anygate.socket anygate.service || true
	fi
	;;
0)
	if [ -d /run/systemd/system ]; then
		systemctl stop anygate.socket anygate.service || true
	fi
	if command -v systemctl >/dev/null; then
		systemctl --no-reload disable anygate.socket anygate.service >/dev/null 2>&1 || true
	fi
	;;
esac
