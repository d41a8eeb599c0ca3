// A module of its own, so that bbolt is no dependency of package modelslab.
module github.com/modelslab/modelslab-agents-go/examples/budget

go 1.25.0

require (
	github.com/modelslab/modelslab-agents-go v0.0.0
	github.com/modelslab/modelslab-agents-go/store/bolt v0.0.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/google/jsonschema-go v0.4.3 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/govalues/decimal v0.1.36 // indirect
	github.com/stripe/stripe-go/v76 v76.25.0 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.45.0 // indirect
)

replace (
	github.com/modelslab/modelslab-agents-go => ../..
	github.com/modelslab/modelslab-agents-go/store/bolt => ../../store/bolt
)
