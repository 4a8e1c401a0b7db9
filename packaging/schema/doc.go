// Package schema tests the JSON Schema of the configuration by a validator that is not ours, and by the language server that
// editors ask. The schema itself is made by package config.
package schema
