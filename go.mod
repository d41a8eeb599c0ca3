module github.com/modelslab/modelslab-agents-go

go 1.25.0

require (
	github.com/google/jsonschema-go v0.4.3
	github.com/google/uuid v1.6.0
	github.com/govalues/decimal v0.1.36
	github.com/jarcoal/httpmock v1.4.2
	github.com/stretchr/testify v1.12.1
	github.com/stripe/stripe-go/v76 v76.25.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
