package storetest_test

import (
	"testing"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(testing.TB) modelslab.Store { return modelslab.NewMemoryStore() })
}

func TestMemoryShared(t *testing.T) {
	storetest.RunShared(t, func(testing.TB) (a, b modelslab.Store) {
		s := modelslab.NewMemoryStore()
		return s, s // its handles are copies of one
	})
}
