package modelslab

import (
	"encoding/json"
	"strings"
	"time"
)

// What tests outside of the package have to reach.

// WithWallClock gives a client another clock of the machine's.
func WithWallClock(wall func() time.Time) Option {
	return func(cfg *config) error {
		cfg.clock.wall = wall
		return nil
	}
}

// UsedOf is what counts as spent and as held in a value of the store that holds a
// sum; false: it holds none.
func UsedOf(key string, value []byte) (Amount, bool, error) {
	var p purse
	switch {
	case strings.HasSuffix(key, "/book"):
		b, err := readBook(value)
		if err != nil {
			return Amount{}, true, err
		}
		p = b.Purse
	case strings.Contains(key, "/budget/"):
		var b budget
		if err := json.Unmarshal(value, &b); err != nil {
			return Amount{}, true, err
		}
		p = b.Purse
	default:
		return Amount{}, false, nil
	}
	used, err := p.used(0, &entry{})
	return used, true, err
}
