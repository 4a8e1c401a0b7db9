module github.com/anygate/anygate/import

go 1.26.0

require (
	github.com/anygate/anygate v0.0.0
	github.com/nginxinc/nginx-go-crossplane v0.4.84
	go.yaml.in/yaml/v3 v3.0.6
)

require (
	github.com/jstemmer/go-junit-report v1.0.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/mod v0.24.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/tools v0.32.0 // indirect
)

replace github.com/anygate/anygate => ..
