#!/bin/sh
set -e

# Without systemd, in a container say, the user is made in the old way.
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers anygate.conf
elif ! getent passwd anygate >/dev/null; then
	useradd --system --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin anygate
fi

# The program goes on in place: no connection is refused, none is cut.
go_on() {
	if systemctl --quiet is-active anygate.service; then
		anygate upgrade -c /etc/anygate/anygate.yml || systemctl try-restart anygate.service || true
	fi
}

# dpkg says "configure" and the version before; rpm says how many versions there are.
case "$1" in
configure)
	# As debhelper has it: enabled and started when it is new, whatever the administrator has made of it later on. Between
	# "remove" and the next installation the service is masked, by postremove.sh.
	start=no
	if [ -z "$2" ] || [ "$(readlink /etc/systemd/system/anygate.service)" = /dev/null ]; then
		start=yes
	fi
	deb-systemd-helper unmask anygate.service >/dev/null || true
	deb-systemd-helper unmask anygate.socket >/dev/null || true
	if deb-systemd-helper --quiet was-enabled anygate.service; then
		deb-systemd-helper enable anygate.service >/dev/null || true
	fi
	if deb-systemd-helper debian-installed anygate.socket && deb-systemd-helper --quiet was-enabled anygate.socket; then
		deb-systemd-helper enable anygate.socket >/dev/null || true
	fi
	deb-systemd-helper update-state anygate.service >/dev/null || true
	deb-systemd-helper update-state anygate.socket >/dev/null || true
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload || true
		if [ "$start" = yes ]; then
			# It starts what is enabled and what policy-rc.d allows. A port that is taken is no reason for a package to fail.
			deb-systemd-invoke start anygate.socket anygate.service || true
		else
			go_on
		fi
	fi
	;;
1)
	# Distributions with rpm leave it to their presets what is enabled, and to the administrator what is started.
	if command -v systemctl >/dev/null; then
		systemctl --no-reload preset anygate.service anygate.socket >/dev/null 2>&1 || true
	fi
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload || true
	fi
	;;
[2-9] | [1-9][0-9]*)
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload || true
		go_on
	fi
	;;
esac
