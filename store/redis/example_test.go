package redis_test

import (
	"log"
	"time"

	"github.com/redis/go-redis/v9"

	modelslab "github.com/modelslab/modelslab-agents-go"
	store "github.com/modelslab/modelslab-agents-go/store/redis"
)

// All processes that use this server and this prefix have one journal and one
// budget: together they spend no more than fifty dollars a day.
func Example() {
	server := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
	defer func() { _ = server.Close() }()

	client, err := modelslab.New(
		modelslab.WithStore(store.New(server, "modelslab:")),
		modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerWindow: modelslab.Dollars(50), Window: 24 * time.Hour}),
	)
	if err != nil {
		log.Fatal(err)
	}
	_ = client
}
