// Package recipes carries out the pages of docs/recipes as a reader would: it writes the files that a page shows, runs
// its commands in a shell, and compares what they print. All of it happens in a network of its own, so that a page can
// speak of port 80 and of upstreams such as 10.0.0.1:8080, where a test server stands. The tests need root for that, and
// curl, openssl, nginx, htpasswd's form of a password from openssl, and ip.
package recipes
