package modelslab_test

import (
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

const (
	confirmCardCall = "POST https://api.stripe.com/v1/setup_intents/seti_1Save/confirm"
	setupSecret     = "seti_1Save_secret_canary"
)

func savedIntent() *modelslab.SetupIntent {
	return &modelslab.SetupIntent{SetupIntentID: "seti_1Save", ClientSecret: modelslab.NewSecret(setupSecret)}
}

// confirmed is Stripe's answer to a confirmation.
func confirmed(fields string) prepared {
	return prepared{
		status: 200, header: map[string]string{"Request-Id": "req_1Setup"},
		body: `{"id":"seti_1Save","object":"setup_intent","livemode":false,` + fields + `}`,
	}
}

func TestConfirmSetupIntentGivesTheCardToStripeAndNowhereElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onStage(t)
		s.on(configCall, stripeConfig)
		s.on(confirmCardCall, confirmed(`"status":"succeeded","payment_method":"pm_1Saved"`))
		var resp modelslab.Response
		pm, err := s.Billing.ConfirmSetupIntent(t.Context(), savedIntent(), goodCard(t), modelslab.WithResponse(&resp))
		require.NoError(t, err)
		assert.Equal(t, &modelslab.PaymentMethod{ID: "pm_1Saved", Last4: "4242", ExpMonth: 12, ExpYear: 2004}, pm)
		assert.Equal(t, "req_1Setup", resp.RequestID)

		require.Equal(t, []string{"/api/agents/v1/billing/stripe-config", "/v1/setup_intents/seti_1Save/confirm"}, s.paths())
		sent := s.requests()[1]
		form, err := url.ParseQuery(sent.body)
		require.NoError(t, err)
		assert.Equal(t, url.Values{
			"client_secret": {setupSecret}, "payment_method_data[type]": {"card"}, "payment_method_data[card][number]": {cardNumber},
			"payment_method_data[card][cvc]": {cardCVC}, "payment_method_data[card][exp_month]": {"12"}, "payment_method_data[card][exp_year]": {"2004"},
		}, form)
		assert.Equal(t, "Bearer pk_test_51Abc", sent.Header.Get("Authorization"))
		assert.Regexp(t, randomKey, sent.Header.Get("Idempotency-Key"))
		assert.NotContains(t, s.requests()[0].golden(), cardNumber)
	})
}

func TestConfirmSetupIntentTakesOnlyACardThatCanBeUsed(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		is           error
		code         string
	}{
		{"3-D Secure", `"status":"requires_action","payment_method":"pm_1Saved","next_action":{"type":"use_stripe_sdk"}`, modelslab.ErrRequiresAction, "requires_action"},
		{"refused", `"status":"requires_payment_method","payment_method":null`, modelslab.ErrPaymentDeclined, "requires_payment_method"},
		{"processing", `"status":"processing","payment_method":"pm_1Saved"`, modelslab.ErrServer, "processing"},
		{"canceled", `"status":"canceled","payment_method":null`, modelslab.ErrServer, "canceled"},
		{"without a payment method", `"status":"succeeded","payment_method":null`, modelslab.ErrServer, "succeeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.on(configCall, stripeConfig)
			s.on(confirmCardCall, confirmed(tt.fields))
			pm, err := s.Billing.ConfirmSetupIntent(t.Context(), savedIntent(), goodCard(t))
			assert.Nil(t, pm)
			require.ErrorIs(t, err, tt.is)
			require.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown, "no money is at stake")
			var api *modelslab.APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, tt.code, api.Code)
			assert.Equal(t, "req_1Setup", api.RequestID)
			for _, secret := range []string{cardNumber, cardCVC, setupSecret} {
				assert.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func TestConfirmSetupIntentErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		answer prepared
		is     error
	}{
		"declined":               {prepared{status: 402, body: `{"error":{"type":"card_error","code":"card_declined","decline_code":"lost_card","message":"No: ` + setupSecret + `"}}`}, modelslab.ErrPaymentDeclined},
		"a wrong secret, quoted": {prepared{status: 400, body: `{"error":{"type":"invalid_request_error","message":"The client_secret ` + setupSecret + ` does not match ` + cardNumber + `"}}`}, modelslab.ErrValidation},
		"another mode":           {prepared{status: 200, body: `{"id":"seti_1Save","object":"setup_intent","livemode":true,"status":"succeeded","payment_method":"pm_1"}`}, nil},
		"another intent":         {prepared{status: 200, body: `{"id":"seti_2Other","object":"setup_intent","livemode":false,"status":"succeeded","payment_method":"pm_1"}`}, nil},
		"a page of a proxy":      {prepared{status: 502, body: `<title>` + cardNumber + setupSecret + `</title>`}, modelslab.ErrServer},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(configCall, stripeConfig)
				s.on(confirmCardCall, tt.answer)
				pm, err := s.Billing.ConfirmSetupIntent(t.Context(), savedIntent(), goodCard(t))
				assert.Nil(t, pm)
				require.Error(t, err)
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				}
				for _, secret := range []string{cardNumber, cardCVC, setupSecret} {
					assert.NotContains(t, err.Error(), secret)
				}
			})
		})
	}
}

func TestASetupIntentIsReadWhereverItsPartsStand(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		ok   bool
	}{
		"as documented":       {`{"data":{"setup_intent_id":"seti_1Save","client_secret":"` + setupSecret + `","status":"requires_payment_method"}}`, true},
		"Stripe's own name":   {`{"id":"seti_1Save","client_secret":"` + setupSecret + `"}`, true},
		"by its secret alone": {`{"data":{"client_secret":"` + setupSecret + `"}}`, true},
		"no secret":           {`{"data":{"setup_intent_id":"seti_1Save"}}`, false},
		"a secret for an id":  {`{"data":{"setup_intent_id":"` + setupSecret + `","client_secret":"x"}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := onStage(t)
			s.on("POST /billing/setup-intent", prepared{status: 200, body: tt.body})
			intent, err := s.Billing.CreateSetupIntent(t.Context())
			if !tt.ok {
				require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
				assert.NotContains(t, err.Error(), setupSecret)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "seti_1Save", intent.SetupIntentID)
			assert.Equal(t, setupSecret, intent.ClientSecret.Reveal())
		})
	}
}
