package main

import "testing"

func TestImagePackage(t *testing.T) {
	for _, c := range []struct{ name, description, want string }{
		{"6.1", "Package: linux-image-cloud-amd64\nVersion: 6.1.1-1\nDepends: linux-image-6.1.0-50-cloud-amd64 (= 6.1.1-1)\n", "linux-image-6.1.0-50-cloud-amd64"},
		{"6.12", "Depends: linux-image-6.12.107+deb13-cloud-amd64 (= 6.12.107-1)\n", "linux-image-6.12.107+deb13-cloud-amd64"},
		{"behind another", "Depends: linux-base (>= 4.3), linux-image-7.3.4-cloud-amd64, x\n", "linux-image-7.3.4-cloud-amd64"},
		{"none", "Package: linux-image-cloud-amd64\nDepends: linux-base\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := imagePackage(c.description)
			if got != c.want || (err != nil) != (c.want == "") {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestMirrorIn(t *testing.T) {
	for _, c := range []struct{ name, uris, want string }{
		{
			"behind others",
			"'https://packages.example/apt/dists/stable/InRelease' x 0 \n" +
				"'http://mirror.example/debian-security/dists/bookworm-security/InRelease' x 0 \n" +
				"'http://mirror.example/debian/dists/bookworm-updates/InRelease' x 0 \n" +
				"'http://mirror.example/debian/dists/bookworm/InRelease' x 0 \n",
			"http://mirror.example/debian",
		},
		{"another release", "'https://mirror.example/pub/debian/dists/trixie/InRelease' x 0 \n", "https://mirror.example/pub/debian"},
		{"not Debian", "'https://mirror.example/ubuntu/dists/noble/InRelease' x 0 \n", ""},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := mirrorIn(c.uris)
			if got != c.want || (err != nil) != (c.want == "") {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}
