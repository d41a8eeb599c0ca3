// Package points names the places on the road of a payment at which a process may
// die. Tests put something there; nobody else does.
package points

import "context"

type key struct{}

// With calls at wherever the calls of the context it returns pass a point.
func With(ctx context.Context, at func(point string)) context.Context {
	return context.WithValue(ctx, key{}, at)
}

// Pass says that a call is at a point.
func Pass(ctx context.Context, point string) {
	if at, ok := ctx.Value(key{}).(func(string)); ok {
		at(point)
	}
}

// All are the points that a payment passes on its way, in order. Of the last one
// it passes several.
func All() []string {
	return []string{Recalled, Allowed, Held, Reserved, Sending, Answered, Repeating, Settled, Archived}
}

// The points.
const (
	Recalled  = "recalled"  // nothing is known of it that forbids it
	Allowed   = "allowed"   // the owner's policies let it pass
	Held      = "held"      // a budget of its own name holds the sum, the journal does not know of it
	Reserved  = "reserved"  // the journal knows, no byte has left
	Sending   = "sending"   // right before a request
	Answered  = "answered"  // right after it, with or without an answer
	Repeating = "repeating" // the journal knows of a repeat
	Settled   = "settled"   // the journal knows the outcome
	Archived  = "archived"  // and keeps it under the operation's name
)
