// A module of its own, so that stores and proxies are no dependencies of package modelslab.
module github.com/modelslab/modelslab-agents-go/internal/moneytest

go 1.26.0

replace (
	github.com/modelslab/modelslab-agents-go => ../..
	github.com/modelslab/modelslab-agents-go/store/bolt => ../../store/bolt
	github.com/modelslab/modelslab-agents-go/store/redis => ../../store/redis
)

require (
	github.com/Shopify/toxiproxy/v2 v2.5.0
	github.com/modelslab/modelslab-agents-go v0.0.0
	github.com/modelslab/modelslab-agents-go/store/bolt v0.0.0-00010101000000-000000000000
	github.com/modelslab/modelslab-agents-go/store/redis v0.0.0-00010101000000-000000000000
	github.com/prometheus/client_golang v1.13.0
	github.com/redis/go-redis/v9 v9.23.0
	github.com/rs/zerolog v1.28.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/golang/protobuf v1.5.2 // indirect
	github.com/google/jsonschema-go v0.4.3 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/gorilla/mux v1.8.0 // indirect
	github.com/govalues/decimal v0.1.36 // indirect
	github.com/mattn/go-colorable v0.1.13 // indirect
	github.com/mattn/go-isatty v0.0.16 // indirect
	github.com/matttproud/golang_protobuf_extensions v1.0.1 // indirect
	github.com/prometheus/client_model v0.2.0 // indirect
	github.com/prometheus/common v0.37.0 // indirect
	github.com/prometheus/procfs v0.8.0 // indirect
	github.com/rs/xid v1.4.0 // indirect
	github.com/stripe/stripe-go/v76 v76.25.0 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.48.0 // indirect
	google.golang.org/protobuf v1.28.1 // indirect
	gopkg.in/tomb.v1 v1.0.0-20141024135613-dd632973f1e7 // indirect
)
