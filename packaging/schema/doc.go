// Package schema tests the JSON Schema of the configuration with a validator, as an editor would use it. The schema itself
// is made by package config.
package schema
