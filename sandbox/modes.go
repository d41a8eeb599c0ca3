package sandbox

import "time"

// Mode is a way for a server to treat idempotency keys, named for table tests.
type Mode struct {
	Name        string
	Idempotency Idempotency
	// Options are what New needs to make a server of this mode.
	Options []Option
	// Settles reports whether repeating a request under its key, after an answer that was
	// lost once the work was done, ends in a definite answer. Where it does not, the server
	// answers 409 for ever, and a client that says anything but "unknown" is lying.
	Settles bool
}

const (
	settles = true
	unknown = false
)

// Modes lists server modes in which repeating a request under its key, immediately or
// within minutes, moves money exactly once.
func Modes() []Mode {
	return []Mode{
		mode("2xx kept, flag in meta", settles, Idempotency{}),
		mode("flag in data", settles, Idempotency{Replay: ReplayInData}),
		mode("flag at the top level, spelled 1", settles, Idempotency{Replay: ReplayAtTopLevel, Spelling: ReplayOne}),
		mode("flag in meta, spelled as text", settles, Idempotency{Spelling: ReplayTrueText}),
		mode("flag in Idempotency-Replay", settles, Idempotency{Replay: ReplayHeaderIdempotencyReplay}),
		mode("flag in Idempotent-Replayed", settles, Idempotency{Replay: ReplayHeaderIdempotentReplayed}),
		mode("flag in X-Idempotency-Replay, spelled 1", settles, Idempotency{Replay: ReplayHeaderXIdempotencyReplay, Spelling: ReplayOne}),
		mode("replays not marked", settles, Idempotency{Replay: ReplayUnmarked}),
		mode("every outcome kept", settles, Idempotency{Cache202: true, Cache402: true, Cache422: true, Cache429: true, Cache5xx: true}),
		mode("2xx and 5xx kept", settles, Idempotency{Cache202: true, Cache5xx: true}),
		mode("202 kept", settles, Idempotency{Cache202: true}),
		mode("declines kept", settles, Idempotency{Cache402: true}),
		mode("refusals kept", settles, Idempotency{Cache422: true, Cache429: true}),
		mode("body checked", settles, Idempotency{CheckBody: true}),
		mode("body checked, every outcome kept", settles, Idempotency{CheckBody: true, Cache202: true, Cache402: true, Cache422: true, Cache429: true, Cache5xx: true}),
		mode("keys ignored on PUT and DELETE", settles, Idempotency{IgnoreOnPutAndDelete: true}),
		mode("keys global", settles, Idempotency{Scope: ScopeGlobal}),
		mode("keys per user and path", settles, Idempotency{Scope: ScopeUserAndPath}),
		mode("keys live an hour", settles, Idempotency{Lifetime: time.Hour}),
		mode("keys live a day", settles, Idempotency{Lifetime: 24 * time.Hour}),
		mode("repeats wait for the first", settles, Idempotency{WaitInFlight: true}),
		mode("409 for every repeat", unknown, Idempotency{ConflictOnRepeat: true}),
		mode("killed between charge and cache", unknown, Idempotency{KillAfterMove: true}),
	}
}

// UnsafeModes lists server modes in which a repeat under the same key can charge a second
// time, whatever a client does: when keys mean nothing, when the work outlives the lock, and
// when the key has been forgotten by the time of the repeat. Only not repeating is safe.
func UnsafeModes() []Mode {
	return []Mode{
		mode("keys ignored", settles, Idempotency{Nothing: true}),
		mode("lock shorter than the work", settles, Idempotency{LockFor: time.Second}),
		mode("keys live a second", settles, Idempotency{Lifetime: time.Second}),
	}
}

func mode(name string, definite bool, i Idempotency) Mode {
	return Mode{Name: name, Idempotency: i, Options: []Option{WithIdempotency(i)}, Settles: definite}
}
