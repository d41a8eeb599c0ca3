package modelslab

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// changes are calls that pay, or stop or start what pays.
var changes = map[string]func(context.Context, *Client) error{
	"Fund": func(ctx context.Context, c *Client) error { return second(c.Wallet.Fund(ctx, fundParams())) },
	"Create": func(ctx context.Context, c *Client) error {
		return second(c.Subscriptions.Create(ctx, SubscriptionCreateParams{PlanID: 3, PaymentMethodID: testMethod}))
	},
	"ChangePlan": func(ctx context.Context, c *Client) error {
		return second(c.Subscriptions.ChangePlan(ctx, 45, SubscriptionChangePlanParams{NewPlanID: 11}))
	},
	"Resume":     func(ctx context.Context, c *Client) error { return second(c.Subscriptions.Resume(ctx, 45)) },
	"ResetCycle": func(ctx context.Context, c *Client) error { return second(c.Subscriptions.ResetCycle(ctx, 45)) },
	"FixPayment": func(ctx context.Context, c *Client) error {
		return second(c.Subscriptions.FixPayment(ctx, 45, SubscriptionFixPaymentParams{}))
	},
	"ChargeAmount": func(ctx context.Context, c *Client) error {
		return second(c.Subscriptions.ChargeAmount(ctx, SubscriptionChargeAmountParams{Amount: Dollars(25)}))
	},
	"Withdraw": func(ctx context.Context, c *Client) error {
		return second(c.Wallet.Withdraw(ctx, WalletWithdrawParams{Amount: Dollars(25)}))
	},
	"SetAutoFunding": func(ctx context.Context, c *Client) error {
		return second(c.Wallet.SetAutoFunding(ctx, WalletSetAutoFundingParams{AutoChargeAmount: Dollars(25), ChargeThreshold: Dollars(5)}))
	},
	"RedeemCoupon": func(ctx context.Context, c *Client) error {
		return second(c.Wallet.RedeemCoupon(ctx, WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: testMethod, PurchaseAmount: Dollars(25)}))
	},
	"Pause":              func(ctx context.Context, c *Client) error { return second(c.Subscriptions.Pause(ctx, 45)) },
	"DisableAutoFunding": func(ctx context.Context, c *Client) error { return c.Wallet.DisableAutoFunding(ctx) },
	"AttachPaymentMethod": func(ctx context.Context, c *Client) error {
		return second(c.Billing.AttachPaymentMethod(ctx, BillingAttachPaymentMethodParams{PaymentMethodID: testMethod}))
	},
	"SetDefaultPaymentMethod": func(ctx context.Context, c *Client) error { return c.Billing.SetDefaultPaymentMethod(ctx, testMethod) },
}

func second[T any](_ T, err error) error { return err }

// A nil error means that it was done. Where an answer says anything else, in
// whatever place and spelling, nobody can say what became of it.
func TestASuccessThatSaysNoIsNone(t *testing.T) {
	for _, body := range []string{
		`{"success":false,"data":{"balance":50,"status":"active","message":"x"}}`,
		`{"success":"false","data":{"balance":50,"status":"active"}}`,
		`{"data":{"success":"0","balance":50,"status":"active"}}`,
		`{"data":{"success":"no","balance":50,"status":"active"}}`,
		`{"status":"error","message":"boom","data":{"balance":50,"status":"active"}}`,
		`{"status":"failed","data":{"balance":50,"status":"active"}}`,
		`{"status":"pending","data":{"payment_status":"paid","status":"active","balance":50}}`,
		`{"data":{"balance":50,"status":"active","error":{"code":"card_refused"}}}`,
		`{"data":{"balance":50,"status":"active","error":"card refused"}}`,
		`{"data":{"balance":50,"status":"active","errors":["refused"]}}`,
		`{"data":{"status":"error"}}`,
		`{"data":{"status":"declined"}}`,
		`{"data":{"status":"FAILED"}}`,
		`{"data":{"paid":false,"status":"active","balance":50}}`,
		`{"data":false}`,
		`{"data":{"requires_action":true,"status":"active","balance":50}}`,
	} {
		for name, do := range changes {
			switch {
			case name == "Withdraw" && (strings.Contains(body, "pending") || strings.Contains(body, `"paid":false`)):
				continue // it may be on its way for days
			case name == "SetDefaultPaymentMethod" && strings.HasPrefix(body, `{"data":{"status"`):
				continue // a card's status is its own
			case name == "DisableAutoFunding" && body == `{"data":false}`:
				continue // that is what was asked for
			}
			err := do(t.Context(), stubbed(t, scripted(says(200, body))))
			assert.ErrorIs(t, err, ErrOutcomeUnknown, "%s: %s", name, body)
		}
	}
}

func TestAPaymentIsAsBadAsItsWorstWord(t *testing.T) {
	for _, body := range []string{
		`{"data":{"balance":10,"payment":{"status":false}}}`,
		`{"data":{"balance":10,"payment":false}}`,
		`{"data":{"balance":10,"payment_status":false}}`,
		`{"data":{"payment":{"status":"succeeded"},"payment_intent":{"status":"requires_action"}}}`,
		`{"data":{"payment":{"status":"succeeded","last_payment_error":{"code":"card_declined"}}}}`,
		`{"code":402,"message":"declined","balance":10,"status":"active"}`,
		`{"data":{"balance":10,"status":"active","decline_code":"insufficient_funds"}}`,
		`{"data":{"status":"succeeded","success":"unsuccessful"}}`,
		`{"status":"fail","data":{"balance":10,"status":"active"}}`,
		`{"data":{"payment":{"success":false},"status":"active"}}`,
		`{"data":{"status":"active","invoice":{"status":"open"}}}`,
	} {
		for _, name := range []string{"Fund", "RedeemCoupon", "ChargeAmount", "ChangePlan", "Resume", "ResetCycle", "FixPayment", "Create"} {
			if name == "Create" && strings.Contains(body, "succeeded") && !strings.Contains(body, "payment") && !strings.Contains(body, "unsuccessful") {
				continue
			}
			err := changes[name](t.Context(), stubbed(t, scripted(says(200, body))))
			assert.ErrorIs(t, err, ErrOutcomeUnknown, "%s: %s", name, body)
		}
	}
	for _, body := range []string{`{"code":402,"message":"Your card was declined."}`, `{"ok":false}`, `{"error_code":"E1"}`, `{"data":"Card declined"}`, `false`, `"failed"`} {
		for _, name := range []string{"ChargeAmount", "ChangePlan", "Resume", "ResetCycle", "FixPayment", "Withdraw", "SetAutoFunding"} {
			err := changes[name](t.Context(), stubbed(t, scripted(says(200, body))))
			assert.ErrorIs(t, err, ErrOutcomeUnknown, "%s: %s", name, body)
		}
	}
}

func TestWhatWasOnlyPreparedHasNotBeenPaid(t *testing.T) {
	for _, word := range []string{"created", "scheduled", "updated", "paused", "none", "saved", "enabled", "disabled", "200"} {
		for name, body := range map[string]string{
			"Fund":         `{"data":{"status":"` + word + `","payment_intent_id":"pi_3TestIntent","balance":50}}`,
			"ChargeAmount": `{"data":{"status":"` + word + `","payment_intent_id":"pi_3TestIntent"}}`,
			"RedeemCoupon": `{"data":{"status":"` + word + `","balance":50}}`,
			"Create":       `{"data":{"subscription":{"id":45,"plan_id":3,"status":"` + word + `"}}}`,
		} {
			err := changes[name](t.Context(), stubbed(t, scripted(says(200, body))))
			assert.ErrorIs(t, err, ErrOutcomeUnknown, "%s: %s", name, body)
		}
		err := second(stubbed(t, scripted(says(200, `{"data":{"status":"`+word+`","balance":50}}`))).Wallet.ConfirmCheckout(t.Context(), "cs_test_1"))
		assert.ErrorIs(t, err, ErrOutcomeUnknown, word)
	}
}

// The other mistake hurts as much: an honest success must not be in doubt.
func TestHonestSuccessesOfAFrameworkAreSuccesses(t *testing.T) {
	all := []string{
		`{"status":"success","data":{"balance":50,"status":"active","message":"Done."}}`,
		`{"status":1,"message":"ok","data":{"balance":50,"status":"active"}}`,
		`{"status":true,"data":{"balance":50,"status":"active"},"errors":null}`,
		`{"status":201,"code":201,"data":{"balance":50,"status":"active"},"error":null}`,
		`{"status":"created","success":"true","data":{"balance":50,"status":"active","errors":[]}}`,
	}
	for _, body := range all {
		for name, do := range changes {
			said := body
			if name == "DisableAutoFunding" {
				said = strings.ReplaceAll(body, `"status":"active"`, `"status":"inactive"`)
			}
			assert.NoError(t, do(t.Context(), stubbed(t, scripted(says(200, said)))), "%s: %s", name, said)
		}
	}
	for name, bodies := range map[string][]string{
		"SetDefaultPaymentMethod": {`{"status":"deleted","data":{"id":1}}`, `{"status":"detached","data":null}`, `{"data":{"id":"pm_1","status":0}}`},
		"DisableAutoFunding":      {`{"data":{"status":"inactive"}}`, `{"data":{"status":"off"}}`, `{"data":{"status":false}}`, `{"data":0}`, `{"data":{"enabled":"0"}}`},
		"Withdraw":                {`{"status":"pending","message":"m","data":{"id":4}}`, `{"data":{"status":"queued"}}`, `{"data":{"status":"pending","paid":false}}`},
		"Create":                  {`{"data":{"subscription":{"id":45,"status":"trialing"},"paid":false}}`, `{"data":{"status":"active","payment_status":"no_payment_required"}}`},
		"ChangePlan":              {`{"data":{"payment":"none","subscription":{"id":45,"status":"active"}}}`, `{"data":{"id":45,"status":1,"plan_id":11}}`},
		"AttachPaymentMethod":     {`{"data":{"id":"pm_1","status":"chargeable"}}`, `{"data":{"id":"pm_1","status":"verified"}}`},
		"RedeemCoupon":            {`{"data":{"code":"SAVE","status":"used","balance":5}}`, `{"data":{"amount":"10%","balance":5}}`},
	} {
		for _, body := range bodies {
			assert.NoError(t, changes[name](t.Context(), stubbed(t, scripted(says(200, body)))), "%s: %s", name, body)
		}
	}
	c := stubbed(t, scripted(says(200, `{"data":{"id":4,"status":"rejected"}}`)))
	assert.NoError(t, c.Teams.Delete(t.Context(), 4), "the invitation's own status")
}

func TestNotYetIsReadWhereverItStands(t *testing.T) {
	for _, body := range []string{
		`{"success":false,"message":"Not yet."}`, `{"data":{"paid":false}}`, `{"data":{"payment":{"status":"pending"}}}`, `{"status":"pending","data":{}}`,
	} {
		err := second(stubbed(t, scripted(says(200, body))).Wallet.ConfirmCheckout(t.Context(), "cs_test_1"))
		assert.ErrorIs(t, err, ErrCheckoutPending, body)
	}
	for _, body := range []string{`{"data":{"status":"confirmed","balance":50}}`, `{"data":{"status":"credited"}}`, `{"data":{"status":"already_confirmed"}}`} {
		assert.NoError(t, second(stubbed(t, scripted(says(200, body))).Wallet.ConfirmCheckout(t.Context(), "cs_test_1")), body)
	}
}

func TestASubscriptionIsPaidOnlyByAllItsWords(t *testing.T) {
	for _, body := range []string{
		`{"data":{"status":"active","payment":"failed"}}`,
		`{"data":{"subscription":{"id":45,"status":"active","payment_status":"failed"}}}`,
		`{"data":{"subscription":{"id":45,"status":"PAST_DUE"}}}`,
		`{"data":{"subscription":{"id":45,"status":"incomplete"}}}`,
		`{"data":{"subscription":{"id":45,"status":"requires_action"}}}`,
		`{"data":{"status":"canceled"}}`,
		`{"data":{"status":"requires_confirmation"}}`,
		`{"data":{"payment_intent":{"id":"pi_3TestIntent","status":"requires_payment_method"},"status":"active"}}`,
		`{"data":{"checkout_url":"https://checkout.stripe.com/c/pay/cs_test_1","subscription":{"id":45,"status":"active"}}}`,
		`{"data":{"payment_url":"https://checkout.stripe.com/c/pay/cs_test_1","session_id":"cs_test_1"}}`,
	} {
		for _, name := range []string{"Create", "ChangePlan", "Resume", "ResetCycle", "FixPayment"} {
			err := changes[name](t.Context(), stubbed(t, scripted(says(200, body))))
			assert.ErrorIs(t, err, ErrOutcomeUnknown, "%s: %s", name, body)
		}
	}
	for _, body := range []string{
		`{"data":{"subscription":{"id":45,"plan_id":11,"status":"active"},"payment":{"status":"succeeded","payment_intent_id":"pi_3TestIntent"}}}`,
		`{"status":"success","data":{"subscription":{"id":45,"status":"trialing"},"message":"Done."}}`,
		`{"status":200,"data":{"subscription":{"id":45,"status":"active"},"payment_intent":"pi_3TestIntent"}}`,
	} {
		for _, name := range []string{"ChangePlan", "Resume", "ResetCycle", "FixPayment"} {
			assert.NoError(t, changes[name](t.Context(), stubbed(t, scripted(says(200, body)))), "%s: %s", name, body)
		}
	}
}

func TestAReplayOfAnotherRequestIsNoAnswer(t *testing.T) {
	const replay = `,"meta":{"idempotency_replay":true}}`
	for name, bodies := range map[string][]string{
		"ChangePlan": {`{"data":{"subscription":{"id":45,"plan_id":99,"status":"active"}}`, `{"data":{"subscription":{"id":46,"plan_id":11,"status":"active"}}`},
		"Resume":     {`{"data":{"subscription":{"id":46,"status":"active"}}`},
		"ResetCycle": {`{"data":{"subscription":{"id":46,"status":"active"}}`},
		"FixPayment": {`{"data":{"id":46,"plan_id":3,"status":"active"}`},
		"Withdraw":   {`{"data":{"amount":50,"status":"pending"}`},
		"RedeemCoupon": {
			`{"data":{"payment":{"status":"succeeded","amount":500}}`, `{"data":{"payment":{"status":"succeeded"},"coupon_code":"WELCOME5"}`,
		},
		"ChargeAmount":   {`{"data":{"payment":{"status":"succeeded","amount":50}}`},
		"SetAutoFunding": {`{"data":{"auto_charge_amount":50}`},
		"Fund":           {`{"data":{"payment":{"status":"succeeded","amount":50}}`},
	} {
		for _, body := range bodies {
			err := changes[name](t.Context(), stubbed(t, scripted(says(200, body+replay))))
			assert.ErrorIs(t, err, ErrOutcomeUnknown, "%s: %s", name, body)
		}
	}
}

func TestWhatIsStillOnIsNotSwitchedOff(t *testing.T) {
	for body, ok := range map[string]bool{
		`{"data":{"enabled":false}}`: true, `{"data":{"message":"Off."}}`: true, `{"data":{"enabled":true}}`: false, `{"data":{"auto_funding":{"enabled":1}}}`: false,
	} {
		err := stubbed(t, scripted(says(200, body))).Wallet.DisableAutoFunding(t.Context())
		assert.Equal(t, !ok, errors.Is(err, ErrOutcomeUnknown), body)
	}
	err := changes["SetAutoFunding"](t.Context(), stubbed(t, scripted(says(200, `{"data":{"auto_funding":{"enabled":false}}}`))))
	require.ErrorIs(t, err, ErrOutcomeUnknown)
}

func TestACouponIsValidUnlessAnythingSaysNo(t *testing.T) {
	for body, valid := range map[string]bool{
		`{"data":{"valid":true,"amount":5}}`:                           true,
		`{"data":{"coupon_code":"X","amount":5}}`:                      true,
		`{"data":{"valid":"0"}}`:                                       false,
		`{"data":{"is_valid":false}}`:                                  false,
		`{"success":false,"message":"No such coupon","data":{"x":1}}`:  false,
		`{"data":{"status":"expired"}}`:                                false,
		`{"data":{"coupon":{"valid":true},"valid":false}}`:             false,
		`{"valid":false,"data":{"coupon":{"amount":5,"valid":"yes"}}}`: false,
	} {
		coupon, err := stubbed(t, scripted(says(200, body))).Wallet.ValidateCoupon(t.Context(), WalletValidateCouponParams{CouponCode: "X"})
		require.NoError(t, err, body)
		assert.Equal(t, valid, coupon.Valid, body)
	}
}

func TestAListThatSaysItFailedIsNone(t *testing.T) {
	for _, body := range []string{
		`{"message":"x","errors":[]}`, `{"message":"x","errors":[{"code":"E1"}]}`, `{"errors":{"email":["bad"]}}`, `{"data":{"error":{"code":"boom"}}}`,
		`{"status":"error","message":"boom","output":[]}`, `{"success":false,"data":[],"message":"boom"}`, `{"message":"Server busy"}`, `{"data":{"id":45,"features":[]}}`,
	} {
		c := stubbed(t, scripted(says(200, body)))
		for name, do := range map[string]func() error{
			"Teams.List":          func() error { return second(c.Teams.List(t.Context())) },
			"Models.Tags":         func() error { return second(c.Models.Tags(t.Context())) },
			"Usage.Products":      func() error { return second(c.Usage.Products(t.Context())) },
			"Wallet.Transactions": func() error { return second(c.Wallet.Transactions(t.Context(), TransactionsParams{})) },
			"Subscriptions.List":  func() error { return second(c.Subscriptions.List(t.Context())) },
			"Models.Search":       func() error { return second(c.Models.Search(t.Context(), ModelSearchParams{})) },
			"Billing.Invoices":    func() error { return second(c.Billing.Invoices(t.Context())) },
			"Subscriptions.Plans": func() error { return second(c.Subscriptions.Plans(t.Context())) },
			"Billing.Methods":     func() error { return second(c.Billing.PaymentMethods(t.Context())) },
			"Usage.History":       func() error { return second(c.Usage.History(t.Context(), UsageHistoryParams{})) },
			"Auth.Tokens, APIKeys…": func() error {
				return errors.Join(second(c.Auth.Tokens(t.Context())), second(c.APIKeys.List(t.Context())))
			},
		} {
			assert.Error(t, do(), "%s: %s", name, body)
		}
	}
}

func TestListsByKindAreReadWhole(t *testing.T) {
	for body, want := range map[string][]ID{
		`{"data":{"members":{"1":{"id":7}},"invites":[{"id":9}]}}`:                           {7, 9},
		`{"data":{"members":{"items":[{"id":7}]},"invitations":{"data":[{"id":9}]}}}`:        {7, 9},
		`{"data":{"owner":{"id":1},"members":{"data":[{"id":7}]}}}`:                          {7},
		`{"data":{"members":[{"id":7}],"roles":[{"id":1,"name":"admin"}]}}`:                  {7},
		`{"data":{"members":[],"invites":[]}}`:                                               {},
		`{"data":{"team_members":[{"id":7}],"pending_invites":[{"email":"b@example.com"}]}}`: {7, 0},
	} {
		members, err := stubbed(t, scripted(says(200, body))).Teams.List(t.Context())
		require.NoError(t, err, body)
		ids := []ID{}
		for _, m := range members {
			ids = append(ids, m.ID)
		}
		assert.Equal(t, want, ids, body)
	}
	for body, want := range map[string][]ID{
		`{"data":{"addon":[],"normal":{"1":{"id":2,"plan_id":3}}}}`:                     {2},
		`{"data":{"addon":[{"id":1}],"enterprise":null,"normal":{"id":2,"plan_id":3}}}`: {1, 2},
	} {
		list, err := stubbed(t, scripted(says(200, body))).Subscriptions.List(t.Context())
		require.NoError(t, err, body)
		ids := []ID{}
		for _, s := range list {
			ids = append(ids, s.ID)
		}
		assert.Equal(t, want, ids, body)
	}
	_, err := stubbed(t, scripted(says(200, `{"data":{"active":[{"id":1}],"available_plans":[{"id":10}]}}`))).Subscriptions.List(t.Context())
	require.Error(t, err, "which of them is meant?")
	_, err = stubbed(t, scripted(says(200, `{"data":[{"name":"no id at all","colour":"red"}]}`))).Billing.Invoices(t.Context())
	require.Error(t, err, "an object of another kind")
}

func TestOneOddAmountDoesNotLoseTheRest(t *testing.T) {
	for _, amount := range []string{`""`, `3.3333333333333335e-5`, `"lots"`, `{}`, `null`} {
		page, err := stubbed(t, scripted(says(200, `{"data":[{"id":1,"cost":`+amount+`}]}`))).Usage.History(t.Context(), UsageHistoryParams{})
		require.NoError(t, err, amount)
		assert.Len(t, page.Items, 1)
		profile, err := stubbed(t, scripted(says(200, `{"data":{"id":1,"email":"a@example.com","wallet_balance":`+amount+`}}`))).Profile.Get(t.Context())
		require.NoError(t, err, amount)
		assert.Equal(t, "a@example.com", profile.Email)
	}
	_, err := stubbed(t, scripted(says(200, `{"data":{"balance":""}}`))).Wallet.Balance(t.Context())
	require.Error(t, err, "where it is what was asked for it is not guessed")
}

func TestWordsAloneAreNoFacts(t *testing.T) {
	c := stubbed(t, scripted(says(200, `{"message":"Server busy"}`)))
	for name, err := range map[string]error{
		"Info": second(c.Billing.Info(t.Context())), "Overview": second(c.Billing.Overview(t.Context())),
		"Summary": second(c.Usage.Summary(t.Context())), "Filters": second(c.Models.Filters(t.Context())),
	} {
		assert.Error(t, err, name)
	}
}

func TestTheWalletMayStandBesideTheUser(t *testing.T) {
	p, err := stubbed(t, scripted(says(200, `{"data":{"user":{"id":7,"email":"a@example.com"},"preferences":{"nsfw_content":true},"wallet":{"balance":5,"currency":"USD"}}}`))).Profile.Get(t.Context())
	require.NoError(t, err)
	assert.Equal(t, ID(7), p.ID)
	assert.Equal(t, Dollars(5), *p.WalletBalance)
	assert.True(t, p.Preferences.NSFWContent)
	m, err := stubbed(t, scripted(says(200, `{"data":{"model":{"model_id":"flux"},"endpoint_configurations":[{"name":"text2img"}]}}`))).Models.Get(t.Context(), "flux")
	require.NoError(t, err)
	assert.Equal(t, "text2img", m.EndpointConfigurations[0].Name)
	links, err := stubbed(t, scripted(says(200, `{"data":{"links":{"pdf_url":"https://pay.example/1.pdf"}}}`))).Billing.InvoiceLinks(t.Context(), "in_1")
	require.NoError(t, err)
	assert.Equal(t, "https://pay.example/1.pdf", links.PDFURL)
}

func TestAnyCallThatIsToldNoHasNotWorked(t *testing.T) {
	for body, ok := range map[string]bool{
		`{"data":{"message":"Bye."}}`: true, `{"status":"logged_out","data":{"message":"Bye."}}`: true, `{"success":true}`: true, ``: true,
		`{"success":false,"message":"No."}`: false, `{"status":"error","message":"No."}`: false, `{"data":{"success":0}}`: false, `{"data":{},"errors":{"id":["bad"]}}`: false,
	} {
		c := stubbed(t, scripted(says(200, body)))
		for name, err := range map[string]error{
			"Logout": c.Auth.Logout(t.Context()), "Delete": c.APIKeys.Delete(t.Context(), 5), "UpdateSocials": c.Profile.UpdateSocials(t.Context(), ProfileUpdateSocialsParams{GitHub: Ptr("")}),
		} {
			if ok {
				assert.NoError(t, err, "%s: %s", name, body)
			} else {
				assert.ErrorIs(t, err, ErrOutcomeUnknown, "%s: %s", name, body)
			}
		}
	}
}
