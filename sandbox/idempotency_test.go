package sandbox_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// The ways to lose an answer once the work is done.
func lostAnswers() []sandbox.Fault {
	return []sandbox.Fault{
		{Kind: sandbox.FaultDropAfter},
		{Kind: sandbox.FaultCutBody},
		{Kind: sandbox.Fault502, AfterWork: true},
		{Kind: sandbox.FaultEmpty, AfterWork: true},
		{Kind: sandbox.FaultHTML, AfterWork: true},
	}
}

func TestALostAnswerIsChargedOnceInEveryMode(t *testing.T) {
	for _, mode := range sandbox.Modes() {
		for _, fault := range lostAnswers() {
			t.Run(mode.Name+"/"+string(fault.Kind), func(t *testing.T) {
				v := visitAs(t, 0, mode.Options...)
				fault.Endpoint = "wallet.fund"
				v.srv.Inject(fault)
				for i := range 4 {
					r, err := v.try("POST", "/api/agents/v1/wallet/fund", "application/json",
						fundBody("25", "pm_card_visa"), "Idempotency-Key", "k")
					if i == 0 || err != nil {
						continue
					}
					if mode.Settles {
						assert.Equal(t, http.StatusOK, r.StatusCode, r.text)
						assert.Equal(t, "succeeded", r.at("data", "payment", "status"))
					} else {
						assert.Equal(t, http.StatusConflict, r.StatusCode, r.text)
					}
				}
				assert.Len(t, v.srv.Charges(), 1)
				assert.Equal(t, "25.00", v.balance())
			})
		}
	}
}

func TestA500AfterTheChargeNeverChargesAgain(t *testing.T) {
	for _, mode := range sandbox.Modes() {
		t.Run(mode.Name, func(t *testing.T) {
			v := visitAs(t, 0, mode.Options...)
			v.srv.Inject(sandbox.Fault{Kind: sandbox.Fault500, AfterWork: true})
			body := fundBody("25", "pm_card_visa")
			for range 3 {
				r, err := v.try("POST", "/api/agents/v1/wallet/fund", "application/json", body, "Idempotency-Key", "k")
				if err == nil && mode.Idempotency.Cache5xx {
					assert.Equal(t, http.StatusInternalServerError, r.StatusCode, "a kept 500 is given for ever")
				}
			}
			assert.Len(t, v.srv.Charges(), 1)
		})
	}
}

func TestUnsafeModesChargeTwice(t *testing.T) {
	for _, mode := range sandbox.UnsafeModes() {
		t.Run(mode.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := visitAs(t, 0, mode.Options...)
				v.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultLatency, Delay: 3 * time.Second})
				var both sync.WaitGroup
				both.Go(func() { v.fund("25", "pm_card_visa", "k") })
				<-time.After(2 * time.Second)
				v.fund("25", "pm_card_visa", "k")
				both.Wait()
				assert.Len(t, v.srv.Charges(), 2)
			})
		})
	}
}

func TestReplaysAreMarkedWhereTheModeSays(t *testing.T) {
	at := func(path ...string) func(reply) any { return func(r reply) any { return r.at(path...) } }
	header := func(name string) func(reply) any {
		return func(r reply) any {
			if v := r.Header.Get(name); v != "" {
				return v
			}
			return nil
		}
	}
	for place, look := range map[sandbox.ReplayPlace]func(reply) any{
		sandbox.ReplayInMeta:                   at("meta", "idempotency_replay"),
		sandbox.ReplayInData:                   at("data", "idempotency_replay"),
		sandbox.ReplayAtTopLevel:               at("idempotency_replay"),
		sandbox.ReplayHeaderIdempotencyReplay:  header("Idempotency-Replay"),
		sandbox.ReplayHeaderIdempotentReplayed: header("Idempotent-Replayed"),
		sandbox.ReplayHeaderXIdempotencyReplay: header("X-Idempotency-Replay"),
	} {
		for spelling, said := range []string{"true", "1", "true"} {
			v := visitAs(t, 0, sandbox.WithIdempotency(sandbox.Idempotency{Replay: place, Spelling: sandbox.ReplaySpelling(spelling)}))
			first := v.fund("25", "pm_card_visa", "k")
			assert.Nil(t, look(first), place)
			second := v.fund("25", "pm_card_visa", "k")
			assert.Equal(t, said, fmt.Sprint(look(second)), place)
			assert.Equal(t, first.at("meta", "request_id"), second.at("meta", "request_id"))
			requests := v.srv.Requests()
			assert.False(t, requests[0].Replay)
			assert.True(t, requests[1].Replay)
		}
	}
}

func TestKeptOutcomes(t *testing.T) {
	kept := sandbox.Idempotency{Cache202: true, Cache402: true, Cache422: true, Cache429: true, Cache5xx: true}
	for name, send := range map[string]func(*visitor) reply{
		"202": func(v *visitor) reply { return v.fund("25", "pm_card_threeDSecure2Required", "k") },
		"402": func(v *visitor) reply { return v.fund("25", "pm_card_chargeDeclined", "k") },
		"422": func(v *visitor) reply { return v.fund("1", "pm_card_visa", "k") },
		"500": func(v *visitor) reply {
			v.srv.Inject(sandbox.Fault{Kind: sandbox.Fault500})
			return v.fund("25", "pm_card_visa", "k")
		},
		"429": func(v *visitor) reply {
			v.srv.Inject(sandbox.Fault{Kind: sandbox.Fault429})
			return v.fund("25", "pm_card_visa", "k")
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := visitAs(t, 0, sandbox.WithIdempotency(kept))
			assert.Equal(t, name, fmt.Sprint(send(v).StatusCode))
			v.srv.ClearFaults()
			assert.Equal(t, name, fmt.Sprint(send(v).StatusCode))
			requests := v.srv.Requests()
			assert.True(t, requests[1].Replay)
			v.srv.ClearFaults()

			v = visitAs(t, 0)
			send(v)
			assert.False(t, v.srv.Requests()[0].Replay)
			v.srv.ClearFaults()
			send(v)
			assert.False(t, v.srv.Requests()[1].Replay, "the default keeps 2xx only")
		})
	}
}

func TestA202UnderAKeyIsOnePayment(t *testing.T) {
	v := visitAs(t, 0)
	first := v.fund("25", "pm_card_threeDSecure2Required", "k")
	second := v.fund("25", "pm_card_threeDSecure2Required", "k")
	assert.Equal(t, first.at("data", "payment", "payment_intent_id"), second.at("data", "payment", "payment_intent_id"))
}

func TestKeysAreCheckedAndScoped(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithIdempotency(sandbox.Idempotency{CheckBody: true}))
	v.fund("25", "pm_card_visa", "k")
	assert.Equal(t, "idempotency_key_reused", v.fund("26", "pm_card_visa", "k").at("error", "code"))

	v = visitAs(t, 0)
	first := v.fund("25", "pm_card_visa", "k")
	assert.Equal(t, first.at("data", "payment"), v.fund("26", "pm_card_visa", "k").at("data", "payment"), "the old answer")

	for scope, charges := range map[sandbox.KeyScope]int{sandbox.ScopeGlobal: 1, sandbox.ScopeUser: 2, sandbox.ScopeUserAndPath: 3} {
		v = visitAs(t, 0, sandbox.WithIdempotency(sandbox.Idempotency{Scope: scope}))
		v.fund("25", "pm_card_visa", "k")
		v.agents("POST", "/subscriptions", `{"plan_id":20,"payment_method_id":"pm_card_visa"}`, "Idempotency-Key", "k")
		v.token = v.srv.Account(sandbox.AccountParams{}).AccessToken
		v.fund("25", "pm_card_visa", "k")
		assert.Len(t, v.srv.Charges(), charges)
	}
}

func TestKeysAreForgotten(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithClock(c.Now), sandbox.WithIdempotency(sandbox.Idempotency{Lifetime: time.Hour}))
	v.fund("25", "pm_card_visa", "k")
	c.Advance(time.Hour - time.Second)
	v.fund("25", "pm_card_visa", "k")
	assert.Len(t, v.srv.Charges(), 1)
	c.Advance(time.Second)
	v.fund("25", "pm_card_visa", "k")
	assert.Len(t, v.srv.Charges(), 2)
}

func TestWhileTheFirstIsAtWork(t *testing.T) {
	for _, wait := range []bool{false, true} {
		t.Run(fmt.Sprintf("wait=%v", wait), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := visitAs(t, 0, sandbox.WithIdempotency(sandbox.Idempotency{WaitInFlight: wait}))
				v.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultLatency, Delay: 3 * time.Second})
				var both sync.WaitGroup
				both.Go(func() { assert.Equal(t, http.StatusOK, v.fund("25", "pm_card_visa", "k").StatusCode) })
				<-time.After(time.Second)
				r := v.fund("25", "pm_card_visa", "k")
				both.Wait()
				if wait {
					assert.Equal(t, true, r.at("meta", "idempotency_replay"))
				} else {
					assert.Equal(t, "idempotency_conflict", r.at("error", "code"))
				}
				assert.Len(t, v.srv.Charges(), 1)
			})
		})
	}
}

func TestKeysOnConfirmCheckoutSurviveAnUncachedPending(t *testing.T) {
	v := visitAs(t, 0)
	id, _ := v.agents("POST", "/billing/payment-link", `{"purpose":"fund","amount":40}`).at("session_id").(string)
	confirm := func() reply {
		return v.agents("POST", "/wallet/confirm-checkout", `{"session_id":"`+id+`"}`, "Idempotency-Key", "k")
	}
	assert.Equal(t, http.StatusAccepted, confirm().StatusCode)
	require.NoError(t, v.srv.CompleteCheckout(id))
	assert.Equal(t, http.StatusOK, confirm().StatusCode)
	assert.Equal(t, true, confirm().at("meta", "idempotency_replay"))
}

func TestManyRepeatsAtOnceChargeOnce(t *testing.T) {
	for _, mode := range sandbox.Modes() {
		t.Run(mode.Name, func(t *testing.T) {
			v := visitAs(t, 0, append(mode.Options, sandbox.WithoutRateLimits())...)
			var all sync.WaitGroup
			for range 32 {
				all.Go(func() {
					// An error is an answer too, in the mode that kills its workers.
					_, _ = v.try("POST", "/api/agents/v1/wallet/fund", "application/json", fundBody("25", "pm_card_visa"), "Idempotency-Key", "k")
				})
			}
			all.Wait()
			assert.Len(t, v.srv.Charges(), 1)
			assert.Equal(t, "25.00", v.balance())
		})
	}
}
