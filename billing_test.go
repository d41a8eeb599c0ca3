package modelslab_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

const (
	cardNumber = "4242424242424242"
	cardCVC    = "737"

	stripeCall = "POST https://api.stripe.com/v1/payment_methods"
	configCall = "GET /billing/stripe-config"
)

var (
	stripeConfig  = prepared{status: 200, body: "testdata/billing_stripe_config.json"}
	stripeSuccess = prepared{status: 200, body: "testdata/stripe_payment_method.json", header: map[string]string{"Request-Id": "req_1Card"}}
	stripeBadKey  = prepared{status: 401, body: `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: pk_test_****1Abc"}}`}
)

func goodCard(t testing.TB) modelslab.Card {
	t.Helper()
	card, err := modelslab.NewCard(cardNumber, 12, time.Now().Year()+4, cardCVC)
	require.NoError(t, err)
	return card
}

// paths are the paths of all requests, in order.
func (s *stage) paths() (paths []string) {
	for _, r := range s.requests() {
		paths = append(paths, r.URL.Path)
	}
	return paths
}

// cardLess fails if a card has reached anybody but Stripe.
func (s *stage) cardLess(t testing.TB) {
	t.Helper()
	for _, r := range s.requests() {
		if r.URL.Path == "/v1/payment_methods" {
			assert.NotContains(t, r.Header.Get("Authorization"), theToken, "Stripe never sees the token")
			continue
		}
		assert.NotContains(t, r.golden(), cardNumber)
		assert.NotContains(t, r.golden(), cardCVC)
	}
}

func TestBillingCalls(t *testing.T) {
	fund := func(ctx context.Context, c *modelslab.Client) (any, error) {
		return two(c.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}))
	}
	const fundRequest = `
POST https://modelslab.com/api/agents/v1/billing/payment-link
Accept: application/json
Authorization: Bearer 12|agent-token
Content-Type: application/json
Idempotency-Key: <uuid>

{"purpose":"fund","amount":25}
`
	const configRequest = `
GET https://modelslab.com/api/agents/v1/billing/stripe-config
Accept: application/json
Authorization: Bearer 12|agent-token
`
	config := func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Billing.StripeConfig(ctx)) }
	runExchanges(t, []exchange{
		{
			name: "StripeConfig", on: configCall, answer: stripeConfig, call: config, request: configRequest,
			want: &modelslab.StripeConfig{PublishableKey: "pk_test_51Abc", Instructions: "Make a payment method at Stripe with this key."},
		},
		{
			name: "StripeConfig in an envelope", on: configCall,
			answer: prepared{status: 200, body: `{"data":{"publishable_key":"pk_live_51Abc"},"error":null,"meta":{}}`}, call: config, request: configRequest,
			want: &modelslab.StripeConfig{PublishableKey: "pk_live_51Abc"},
		},
		{
			name: "CreatePaymentLink to fund", on: "POST /billing/payment-link",
			answer: prepared{status: 200, body: "testdata/billing_payment_link.json"}, call: fund, request: fundRequest,
			want: &modelslab.PaymentLink{
				PaymentURL: "https://checkout.stripe.com/c/pay/cs_test_a1B2c3", SessionID: "cs_test_a1B2c3", Purpose: "fund",
				Amount: modelslab.Dollars(25), ExpiresAt: on(2026, 2, 16, 10, 0),
				Instructions: "Show payment_url to a person, then confirm session_id.",
			},
		},
		{
			name: "CreatePaymentLink in an envelope, with the session in the URL alone", on: "POST /billing/payment-link",
			answer: prepared{status: 201, body: `{"data":{"payment_url":"https://checkout.stripe.com/c/pay/cs_live_Xy9#tail"},"error":null}`}, call: fund, request: fundRequest,
			want: &modelslab.PaymentLink{
				PaymentURL: "https://checkout.stripe.com/c/pay/cs_live_Xy9#tail", SessionID: "cs_live_Xy9", Purpose: "fund",
				Amount: modelslab.Dollars(25),
			},
		},
		{
			name: "CreatePaymentLink to subscribe", on: "POST /billing/payment-link",
			answer: prepared{status: 200, body: `{"payment_url":"https://checkout.stripe.com/c/pay/cs_test_a1","session_id":"cs_test_a1","purpose":"subscribe","expires_at":null}`},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe, PlanID: 10}))
			},
			request: `
POST https://modelslab.com/api/agents/v1/billing/payment-link
Accept: application/json
Authorization: Bearer 12|agent-token
Content-Type: application/json
Idempotency-Key: <uuid>

{"purpose":"subscribe","plan_id":10}
`,
			want: &modelslab.PaymentLink{
				PaymentURL: "https://checkout.stripe.com/c/pay/cs_test_a1", SessionID: "cs_test_a1", Purpose: "subscribe",
				PlanID: 10,
			},
		},
	})
}

func TestBillingErrors(t *testing.T) {
	link := func(ctx context.Context, c *modelslab.Client) (any, error) {
		return two(c.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}))
	}
	runRefusals(t, "POST /billing/payment-link", link, []refusal{
		{"no session", prepared{status: 401, body: `{"message":"Unauthenticated."}`}, modelslab.ErrUnauthenticated, nil},
		{"too little", prepared{status: 422, body: "testdata/validation_error.json"}, modelslab.ErrValidation, nil},
		{"too often", prepared{status: 429}, modelslab.ErrRateLimited, nil},
		{"server error", prepared{status: 500}, modelslab.ErrOutcomeUnknown, nil},
		{"a link without a URL", prepared{status: 200, body: `{"session_id":"cs_test_a1"}`}, modelslab.ErrOutcomeUnknown, nil},
		{"a link without a session", prepared{status: 200, body: `{"payment_url":"https://pay.example.com/x"}`}, modelslab.ErrOutcomeUnknown, nil},
		{"a URL that could move a terminal's cursor", prepared{status: 200, body: `{"payment_url":"https://pay.example.com/\u001b[2J","session_id":"cs_test_a1"}`}, modelslab.ErrOutcomeUnknown, nil},
	})
	config := func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Billing.StripeConfig(ctx)) }
	runRefusals(t, configCall, config, []refusal{
		{"no session", prepared{status: 401, body: `{"message":"Unauthenticated."}`}, modelslab.ErrUnauthenticated, nil},
		{"no key", prepared{status: 200, body: `{"data":{"instructions":"None today."}}`}, modelslab.ErrServer, nil},
		{"null", prepared{status: 200, body: `null`}, modelslab.ErrServer, nil},
	})
}

// A secret key that a server hands out by mistake must not be printed or used.
func TestStripeConfigTakesPublishableKeysOnly(t *testing.T) {
	for _, key := range []string{
		"sk_live_51Oops", "sk_test_51Oops", "rk_live_51Oops", "rk_test_51Oops", "51Oops", "pk_51Oops", "pk_live_", "pk_prod_51Oops",
		"pk_live_51Oops\n", "pk_live_51Oops ", "PK_LIVE_51Oops", "pk_live_51Oops/../51Oops",
	} {
		t.Run(key, func(t *testing.T) {
			s := onStage(t)
			body := `{"publishable_key":` + quote(key) + `}`
			s.on(configCall, prepared{status: 200, body: body})
			_, err := s.Billing.StripeConfig(t.Context())
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "51Oops")
			assert.ErrorContains(t, err, "publishable")

			_, err = s.Billing.TokenizeCard(t.Context(), goodCard(t))
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "51Oops")
			for _, path := range s.paths() {
				assert.Equal(t, "/api/agents/v1/billing/stripe-config", path, "Stripe is not asked")
			}
		})
	}
}

func quote(s string) string {
	return `"` + strings.NewReplacer("\n", `\n`, `"`, `\"`).Replace(s) + `"`
}

func TestTokenizeCardSendsTheCardToStripeAndNowhereElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onStage(t)
		s.on(configCall, stripeConfig)
		s.on(stripeCall, stripeSuccess)
		card := goodCard(t)
		card.Name, card.PostalCode, card.Country = "Ada L", "EC1", "GB"
		var resp modelslab.Response
		pm, err := s.Billing.TokenizeCard(t.Context(), card, modelslab.WithResponse(&resp))
		require.NoError(t, err)
		assert.Equal(t, &modelslab.PaymentMethod{ID: "pm_1QcardCard", Brand: "visa", Last4: "4242", ExpMonth: 12, ExpYear: 2030}, pm)

		require.Equal(t, []string{"/api/agents/v1/billing/stripe-config", "/v1/payment_methods"}, s.paths())
		sent := s.requests()[1]
		form, err := url.ParseQuery(sent.body)
		require.NoError(t, err)
		assert.Equal(t, url.Values{
			"type": {"card"}, "card[number]": {cardNumber}, "card[cvc]": {cardCVC}, "card[exp_month]": {"12"}, "card[exp_year]": {"2004"},
			"billing_details[name]": {"Ada L"}, "billing_details[address][postal_code]": {"EC1"}, "billing_details[address][country]": {"GB"},
		}, form)
		assert.Equal(t, "Bearer pk_test_51Abc", sent.Header.Get("Authorization"))
		assert.Equal(t, "application/x-www-form-urlencoded", sent.Header.Get("Content-Type"))
		assert.Regexp(t, randomKey, sent.Header.Get("Idempotency-Key"))
		s.cardLess(t)

		assert.Equal(t, 200, resp.StatusCode)
		assert.Equal(t, "req_1Card", resp.RequestID)
		assert.Equal(t, sent.Header.Get("Idempotency-Key"), resp.IdempotencyKey)
		assert.Equal(t, 1, resp.Attempts)
	})
}

func TestTokenizeCardRemembersThePublishableKeyForMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onStage(t)
		s.on(configCall, stripeConfig)
		s.on(stripeCall, stripeSuccess)
		tokenize := func(c *modelslab.Client) {
			t.Helper()
			_, err := c.Billing.TokenizeCard(t.Context(), goodCard(t))
			require.NoError(t, err)
		}
		configs := func() (n int) {
			for _, path := range s.paths() {
				if strings.HasSuffix(path, "/stripe-config") {
					n++
				}
			}
			return n
		}
		tokenize(s.Client)
		elapse(4 * time.Minute)
		tokenize(s.Client)
		assert.Equal(t, 1, configs(), "known for minutes")
		elapse(2 * time.Minute)
		tokenize(s.Client)
		assert.Equal(t, 2, configs(), "and no longer: it can be rotated")
		tokenize(s.WithSession(&modelslab.Session{AccessToken: modelslab.NewSecret("2|other")}))
		assert.Equal(t, 3, configs(), "another account may have another key")
	})
}

func TestTokenizeCardAsksForTheKeyAgainWhenStripeRefusesIt(t *testing.T) {
	rotated := prepared{status: 200, body: `{"publishable_key":"pk_test_51New"}`}

	t.Run("once, and goes on with the new one", func(t *testing.T) {
		s := onStage(t)
		s.on(configCall, stripeConfig, rotated)
		s.on(stripeCall, stripeSuccess, stripeBadKey, stripeSuccess)
		for range 2 {
			_, err := s.Billing.TokenizeCard(t.Context(), goodCard(t))
			require.NoError(t, err)
		}
		all := s.requests()
		require.Len(t, all, 5)
		assert.Equal(t, "Bearer pk_test_51Abc", all[2].Header.Get("Authorization"), "the remembered key")
		assert.Equal(t, "Bearer pk_test_51New", all[4].Header.Get("Authorization"))
		assert.Equal(t, all[2].Header.Get("Idempotency-Key"), all[4].Header.Get("Idempotency-Key"), "one call, one key")
	})
	t.Run("and not twice", func(t *testing.T) {
		s := onStage(t)
		s.on(configCall, stripeConfig, rotated)
		s.on(stripeCall, stripeBadKey)
		_, err := s.Billing.TokenizeCard(t.Context(), goodCard(t))
		require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
		assert.Len(t, s.requests(), 4)
	})
	t.Run("but a pinned key is the owner's word", func(t *testing.T) {
		s := onStage(t, modelslab.WithStripePublishableKey("pk_test_51Mine"))
		s.on(stripeCall, stripeBadKey)
		_, err := s.Billing.TokenizeCard(t.Context(), goodCard(t))
		require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
		require.Len(t, s.requests(), 1)
		assert.Equal(t, "Bearer pk_test_51Mine", s.requests()[0].Header.Get("Authorization"))
	})
}

// A changed base URL must not carry a card into somebody else's account.
func TestTokenizeCardRefusesAnAccountThatNobodyHasVouchedFor(t *testing.T) {
	const elsewhere, local = "https://api.example.com", "http://127.0.0.1:8085"
	const liveKey, testKey = "pk_live_51Abc", "pk_test_51Abc"
	tests := []struct {
		name, origin, stripe, key string
		pinned                    bool
		param                     string // "": allowed
	}{
		{"ModelsLab and the real Stripe", "https://modelslab.com", "", liveKey, false, ""},
		{"another origin and the real Stripe", elsewhere, "", liveKey, false, "WithBaseURL"},
		{"another origin and the real Stripe, test key", elsewhere, "", testKey, false, "WithBaseURL"},
		{"a name that looks like ModelsLab's", "https://modelslab.com.example.com", "", liveKey, false, "WithBaseURL"},
		{"another port of ModelsLab's", "https://modelslab.com:8443", "", liveKey, false, "WithBaseURL"},
		{"loopback and the real Stripe", local, "", testKey, false, "WithBaseURL"},
		{"another origin, pinned", elsewhere, "", liveKey, true, ""},
		{"another origin and its own Stripe", elsewhere, "https://stripe.example.com", liveKey, false, ""},
		{"loopback and its own Stripe", local, local, testKey, false, ""},
		{"loopback with a live key", local, local, liveKey, false, "publishable_key"},
		{"loopback with a live key, pinned", local, local, liveKey, true, ""},
		{"localhost with a live key", "http://localhost:8085", local, liveKey, false, "publishable_key"},
		{"IPv6 loopback with a live key", "http://[::1]:8085", local, liveKey, false, "publishable_key"},
		{"loopback with a live key over https", "https://127.0.0.1:8085", local, liveKey, false, "publishable_key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts := []modelslab.Option{modelslab.WithBaseURL(tt.origin)}
			stripe := "https://api.stripe.com"
			if tt.stripe != "" {
				stripe = tt.stripe
				opts = append(opts, modelslab.WithStripeBaseURL(tt.stripe))
			}
			if tt.pinned {
				opts = append(opts, modelslab.WithStripePublishableKey(tt.key))
			}
			s := onStage(t, opts...)
			live := "false"
			if tt.key == liveKey {
				live = "true"
			}
			s.on("GET "+tt.origin+"/api/agents/v1/billing/stripe-config", prepared{status: 200, body: `{"publishable_key":"` + tt.key + `"}`})
			if tt.param == "" {
				s.on("POST "+stripe+"/v1/payment_methods", prepared{status: 200, body: `{"id":"pm_1","object":"payment_method","livemode":` + live + `}`})
			}
			_, err := s.Billing.TokenizeCard(t.Context(), goodCard(t))
			if tt.param == "" {
				require.NoError(t, err)
				return
			}
			var param *modelslab.ParamError
			require.ErrorAs(t, err, &param)
			assert.Equal(t, tt.param, param.Param)
			assert.ErrorContains(t, err, "WithStripePublishableKey", "it says how to vouch for it")
			s.cardLess(t)
			assert.NotContains(t, s.paths(), "/v1/payment_methods")
		})
	}
}

func TestTokenizeCardRefusesAPaymentMethodOfTheOtherMode(t *testing.T) {
	for _, tt := range []struct{ key, live string }{{"pk_test_51Abc", "true"}, {"pk_live_51Abc", "false"}} {
		t.Run(tt.key, func(t *testing.T) {
			s := onStage(t)
			s.on(configCall, prepared{status: 200, body: `{"publishable_key":"` + tt.key + `"}`})
			s.on(stripeCall, prepared{status: 200, body: `{"id":"pm_1","object":"payment_method","livemode":` + tt.live + `}`})
			pm, err := s.Billing.TokenizeCard(t.Context(), goodCard(t))
			require.ErrorContains(t, err, "mode")
			assert.Nil(t, pm)
			assert.NotContains(t, err.Error(), tt.key)
		})
	}
}

func TestTokenizeCardErrors(t *testing.T) {
	stripeSays := func(status int, fields string) prepared {
		return prepared{status: status, body: `{"error":{` + fields + `}}`, header: map[string]string{"Request-Id": "req_1No"}}
	}
	tests := []struct {
		name   string
		answer prepared
		is     error
		check  func(*testing.T, error)
	}{
		{
			"declined", stripeSays(402, `"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","param":"number","message":"Your card has insufficient funds."`),
			modelslab.ErrPaymentDeclined, func(t *testing.T, err error) {
				var declined *modelslab.PaymentDeclinedError
				require.ErrorAs(t, err, &declined)
				assert.Equal(t, "insufficient_funds", declined.DeclineCode)
				assert.Equal(t, "card_declined", declined.Code)
				assert.Equal(t, "req_1No", declined.RequestID)
				assert.Equal(t, 402, declined.StatusCode)
			},
		},
		{
			"mistyped", stripeSays(402, `"type":"card_error","code":"incorrect_number","param":"number","message":"Your card number is incorrect."`),
			modelslab.ErrPaymentDeclined, func(t *testing.T, err error) {
				var declined *modelslab.PaymentDeclinedError
				require.ErrorAs(t, err, &declined)
				assert.Equal(t, "incorrect_number", declined.DeclineCode)
				assert.Equal(t, map[string][]string{"number": {"Your card number is incorrect."}}, declined.Fields)
			},
		},
		{
			"raw cards not allowed", stripeSays(400, `"type":"invalid_request_error","message":"Sending raw card numbers is unsafe."`),
			modelslab.ErrValidation, func(t *testing.T, err error) {
				assert.ErrorContains(t, err, "Sending raw card numbers is unsafe.", "Stripe's words are passed on")
			},
		},
		{
			"a message with the card in it", stripeSays(400, `"type":"invalid_request_error","message":"Card `+cardNumber+` with `+cardCVC+` is bad"`),
			modelslab.ErrValidation, nil,
		},
		{
			"an endless rate limit", prepared{status: 429, body: `{"error":{"type":"invalid_request_error","message":"Slow down."}}`, header: map[string]string{"Retry-After": "3600"}},
			modelslab.ErrRateLimited, func(t *testing.T, err error) {
				var limited *modelslab.RateLimitError
				require.ErrorAs(t, err, &limited)
				assert.Equal(t, time.Hour, limited.RetryAfter)
			},
		},
		{"a page that echoes the request", prepared{status: 502, body: "<html>card[number]=" + cardNumber + "&card[cvc]=" + cardCVC + "</html>"}, modelslab.ErrServer, nil},
		{"a success that is no payment method", prepared{status: 200, body: `{"id":"` + cardNumber + `","object":"payment_method"}`}, modelslab.ErrServer, nil},
		{"a redirect to another host", prepared{status: 307, header: map[string]string{"Location": "https://evil.example.com/v1/payment_methods"}}, modelslab.ErrServer, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(configCall, stripeConfig)
				s.on(stripeCall, tt.answer)
				pm, err := s.Billing.TokenizeCard(t.Context(), goodCard(t))
				require.ErrorIs(t, err, tt.is)
				assert.Nil(t, pm)
				var api *modelslab.APIError
				require.ErrorAs(t, err, &api)
				assert.Equal(t, "stripe:/v1/payment_methods", api.Path)
				assert.NotContains(t, err.Error(), cardNumber)
				assert.NotContains(t, err.Error(), cardCVC)
				assert.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown, "no money is at stake")
				if tt.check != nil {
					tt.check(t, err)
				}
			})
		})
	}
}

func TestTokenizeCardRepeatsUnderOneKey(t *testing.T) {
	broken := prepared{status: 500, body: `{"error":{"type":"api_error","message":"Sorry."}}`}
	lost := prepared{err: errors.New("lost with " + cardNumber)}
	tests := []struct {
		name    string
		answers []prepared
		sent    int
		ok      bool
	}{
		{"500, then success", []prepared{broken, stripeSuccess}, 2, true},
		{"lost twice, then success", []prepared{lost, lost, stripeSuccess}, 3, true},
		{"429, then success", []prepared{{status: 429, body: `{"error":{"message":"Slow down."}}`, header: map[string]string{"Retry-After": "3"}}, stripeSuccess}, 2, true},
		{"409, then success", []prepared{{status: 409, body: `{"error":{"type":"idempotency_error","message":"Busy."}}`}, stripeSuccess}, 2, true},
		{"500 for ever", []prepared{broken}, 3, false},
		{"lost for ever", []prepared{lost}, 3, false},
		{"declined", []prepared{{status: 402, body: `{"error":{"type":"card_error","code":"card_declined"}}`}, stripeSuccess}, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(configCall, stripeConfig)
				s.on(stripeCall, tt.answers...)
				var resp modelslab.Response
				start := time.Now()
				_, err := s.Billing.TokenizeCard(t.Context(), goodCard(t), modelslab.WithIdempotencyKey("card-of-ada"), modelslab.WithResponse(&resp))
				assert.Equal(t, tt.ok, err == nil, "%v", err)
				keys := s.keys("/payment_methods")
				assert.Len(t, keys, tt.sent)
				for _, key := range keys {
					assert.Equal(t, "card-of-ada", key)
				}
				assert.Equal(t, tt.sent, resp.Attempts)
				if err != nil {
					assert.NotContains(t, err.Error(), cardNumber)
				}
				if tt.answers[0].header["Retry-After"] != "" {
					assert.GreaterOrEqual(t, time.Since(start), 3*time.Second)
				}
			})
		})
	}
}

// hang is a network that never answers.
type hang struct{}

func (hang) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestTokenizeCardEndsWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onStage(t, modelslab.WithStripeHTTPClient(&http.Client{Transport: hang{}}), modelslab.WithStripePublishableKey("pk_test_51Abc"))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := s.Billing.TokenizeCard(ctx, goodCard(t))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second, time.Since(start))

		start = time.Now()
		_, err = s.Billing.TokenizeCard(t.Context(), goodCard(t), modelslab.WithRequestTimeout(time.Second))
		require.Error(t, err)
		assert.InDelta(t, 3, time.Since(start).Seconds(), 0.1, "three attempts of a second each")
	})
}

// What a client adds to every call is meant for ModelsLab, and no reason to refuse a card.
func TestTokenizeCardKeepsTheDefaultsOfOtherCallsFromStripe(t *testing.T) {
	s := onStage(t, modelslab.WithRequestDefaults(modelslab.WithHeader("X-Trace", "trace-1")))
	s.on(configCall, stripeConfig)
	s.on(stripeCall, stripeSuccess)
	c, err := s.With(modelslab.WithStripePublishableKey("pk_test_51Abc"))
	require.NoError(t, err)
	_, err = c.Billing.TokenizeCard(t.Context(), goodCard(t))
	require.NoError(t, err)
	require.Len(t, s.requests(), 1)
	assert.NotContains(t, s.requests()[0].golden(), "trace-1")
}

func TestBillingRefusesBadInput(t *testing.T) {
	link := func(p modelslab.PaymentLinkParams) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Billing.CreatePaymentLink(ctx, p))
		}
	}
	year := time.Now().Year()
	card := func(number string, month, year int, cvc string, opts ...modelslab.RequestOption) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Billing.TokenizeCard(ctx, modelslab.Card{Number: modelslab.NewSecret(number), ExpMonth: month, ExpYear: year, CVC: modelslab.NewSecret(cvc)}, opts...))
		}
	}
	fund := func(a modelslab.Amount) modelslab.PaymentLinkParams {
		return modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: a}
	}
	runBadInput(t, []badInput{
		{"link without a purpose", "PaymentLinkParams.Purpose", link(modelslab.PaymentLinkParams{Amount: modelslab.Dollars(25)})},
		{"link for something else", "PaymentLinkParams.Purpose", link(modelslab.PaymentLinkParams{Purpose: "donate", Amount: modelslab.Dollars(25)})},
		{"link of $0", "PaymentLinkParams.Amount", link(fund(modelslab.Amount{}))},
		{"link of a debt", "PaymentLinkParams.Amount", link(fund(modelslab.Dollars(-25)))},
		{"link of half a cent", "PaymentLinkParams.Amount", link(fund(amount(t, "25.005")))},
		{"link that funds a plan", "PaymentLinkParams.PlanID", link(modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25), PlanID: 10})},
		{"link to no plan", "PaymentLinkParams.PlanID", link(modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe})},
		{"link to plan -1", "PaymentLinkParams.PlanID", link(modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe, PlanID: -1})},
		{"link to a plan at a price of one's own", "PaymentLinkParams.Amount", link(modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe, PlanID: 10, Amount: modelslab.Dollars(1)})},

		{"no card", "Card.Number", card("", 12, year+1, cardCVC)},
		{"mistyped card", "Card.Number", card("4242424242424241", 12, year+1, cardCVC)},
		{"short card", "Card.Number", card("42424242", 12, year+1, cardCVC)},
		{"letters for a card", "Card.Number", card("pm_card_visa", 12, year+1, cardCVC)},
		{"month 13", "Card.ExpMonth", card(cardNumber, 13, year+1, cardCVC)},
		{"expired card", "Card.ExpYear", card(cardNumber, 12, year-1, cardCVC)},
		{"no CVC", "Card.CVC", card(cardNumber, 12, year+1, "")},
		{"CVC of two digits", "Card.CVC", card(cardNumber, 12, year+1, "12")},
		{"a header for Stripe", "TokenizeCard", card(cardNumber, 12, year+1, cardCVC, modelslab.WithHeader("X-Trace", "1"))},
		{"a body field for Stripe", "TokenizeCard", card(cardNumber, 12, year+1, cardCVC, modelslab.WithBodyField("x", 1))},
		{"an operation for Stripe", "TokenizeCard", card(cardNumber, 12, year+1, cardCVC, modelslab.WithOperation("card"))},
		{"no context", "ctx", func(_ context.Context, c *modelslab.Client) error {
			return second(c.Billing.TokenizeCard(nil, goodCard(t))) //nolint:staticcheck // the point
		}},
	})
}

func amount(t testing.TB, s string) modelslab.Amount {
	t.Helper()
	a, err := modelslab.ParseAmount(s)
	require.NoError(t, err)
	return a
}
