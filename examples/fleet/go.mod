// A module of its own, so that go-redis is no dependency of package modelslab.
module github.com/modelslab/modelslab-agents-go/examples/fleet

go 1.26.0

require (
	github.com/modelslab/modelslab-agents-go v0.0.0
	github.com/modelslab/modelslab-agents-go/store/redis v0.0.0
	github.com/redis/go-redis/v9 v9.23.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/google/jsonschema-go v0.4.3 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/govalues/decimal v0.1.36 // indirect
	github.com/stripe/stripe-go/v76 v76.25.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace (
	github.com/modelslab/modelslab-agents-go => ../..
	github.com/modelslab/modelslab-agents-go/store/redis => ../../store/redis
)
