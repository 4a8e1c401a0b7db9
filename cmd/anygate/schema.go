package main

import (
	"flag"

	"github.com/anygate/anygate/config"
)

// printSchema prints the JSON Schema of the configuration.
func printSchema(t terminal, args []string) int {
	if _, err := parse(t, "schema", args, 0, func(*flag.FlagSet) {}); err != nil {
		return exitOf(err)
	}
	_, err := t.out.Write(config.Schema())
	return printed(t, err)
}
