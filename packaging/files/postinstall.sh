#!/bin/sh
set -e

# Without systemd, in a container say, the user is made in the old way.
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers anygate.conf
elif ! getent passwd anygate >/dev/null; then
	useradd --system --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin anygate
fi

# dpkg says "configure" and the version before; rpm says how many versions there are.
case "$1" in
configure) first=$([ -z "$2" ] && echo yes || echo no) ;;
1) first=yes ;;
[2-9]*) first=no ;;
*) exit 0 ;;
esac

if [ "$first" = yes ] && command -v systemctl >/dev/null; then
	systemctl --no-reload enable anygate.service >/dev/null 2>&1 || true
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
	if [ "$first" = yes ]; then
		# A port that is taken is no reason for a package to fail.
		systemctl start anygate.service || true
	elif systemctl --quiet is-active anygate.service; then
		# The program goes on in place: no connection is refused, none is cut.
		anygate upgrade -c /etc/anygate/anygate.yml || systemctl try-restart anygate.service || true
	fi
fi
