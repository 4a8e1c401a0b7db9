package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/anygate/anygate/test/kernels/order"
)

// hosts is all the name resolution there is.
const hosts = "127.0.0.1 localhost\n::1 localhost\n"

// writeImage makes the initramfs of a boot: the programs below root, the kernel's modules, and their order. It is not compressed, as undoing
// that would take the emulated processor longer than copying.
func writeImage(name, root string, loaded []loadable, o *order.Order) (err error) {
	for _, m := range loaded {
		o.Modules = append(o.Modules, "/modules/"+m.name+".ko")
	}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	entries := []entry{
		// The kernel opens the console for the first process before that can mount anything.
		{name: "dev", mode: cpioDirectory | 0o755},
		{name: "dev/console", mode: cpioDevice | 0o600, major: 5, minor: 1},
		{name: "etc", mode: cpioDirectory | 0o755},
		{name: "etc/hosts", mode: cpioRegular | 0o644, content: []byte(hosts)},
		{name: strings.TrimPrefix(order.Path, "/"), mode: cpioRegular | 0o644, content: text},
		{name: "bin", mode: cpioDirectory | 0o755},
		{name: "modules", mode: cpioDirectory | 0o755},
	}
	for _, m := range loaded {
		entries = append(entries, entry{name: "modules/" + m.name + ".ko", mode: cpioRegular | 0o644, content: m.content})
	}
	for _, p := range programs {
		content, err := os.ReadFile(filepath.Join(root, p.path))
		if err != nil {
			return err
		}
		entries = append(entries, entry{name: path.Clean(p.path), mode: cpioRegular | 0o755, content: content})
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	w := bufio.NewWriter(f)
	a := archive{w: w}
	for _, e := range entries {
		a.add(e)
	}
	if err := a.close(); err != nil {
		return err
	}
	return w.Flush()
}
