package stripecard_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76"

	"github.com/modelslab/modelslab-agents-go/internal/stripecard"
)

const paymentMethod = `{"id":"pm_1Made","object":"payment_method","created":1700000000,"livemode":true,"type":"card",
	"card":{"brand":"visa","last4":"5556","exp_month":12,"exp_year":2031,"funding":"debit","country":"US"}}`

// wire is a request as it arrived.
type wire struct {
	line   string
	header http.Header
	form   url.Values
}

func record(into *wire, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		into.line, into.header = r.Method+" "+r.URL.RequestURI()+" "+r.Proto, r.Header
		if len(r.TransferEncoding) == 0 && r.Header.Get("Content-Length") == strconv.Itoa(len(body)) {
			r.Header.Del("Content-Length") // in one piece, and of the length it says
		}
		into.form, _ = url.ParseQuery(string(body))
		then(w, r)
	}
}

// golden are all the headers there are: no host name, no telemetry, no account.
func golden(idempotencyKey string) http.Header {
	return http.Header{
		"Accept-Encoding":            {"gzip"},
		"Authorization":              {"Bearer " + key},
		"Connection":                 {"close"},
		"Content-Type":               {"application/x-www-form-urlencoded"},
		"Idempotency-Key":            {idempotencyKey},
		"Stripe-Version":             {"2023-10-16"},
		"User-Agent":                 {"Stripe/v1 GoBindings/76.25.0"},
		"X-Stripe-Client-User-Agent": {`{"bindings_version":"76.25.0","lang":"go","publisher":"stripe"}`},
	}
}

func TestCreatePaymentMethodSendsTheCardAndNothingElse(t *testing.T) {
	// stripe-go's globals are somebody else's: none of them shows.
	stripe.SetAppInfo(&stripe.AppInfo{Name: "another-program"})
	stripe.Key = "sk_test_another"
	t.Cleanup(func() { stripe.SetAppInfo(nil); stripe.Key = "" })

	var got wire
	c, seen := server(t, record(&got, answer(200, paymentMethod)))
	type private struct{}
	ctx := context.WithValue(t.Context(), private{}, "a value of the caller's")

	pm, err := c.CreatePaymentMethod(ctx, key, card, "idem-1")
	require.NoError(t, err)
	assert.Equal(t, &stripecard.PaymentMethod{
		ID: "pm_1Made", Brand: "visa", Last4: "5556", Funding: "debit", Country: "US",
		ExpMonth: 12, ExpYear: 2031, Livemode: true,
		Created: time.Unix(1700000000, 0).UTC(), RequestID: "req_Abc",
	}, pm)

	assert.EqualValues(t, 1, seen.Load())
	assert.Equal(t, "POST /v1/payment_methods HTTP/1.1", got.line)
	assert.Equal(t, url.Values{
		"type":            {"card"},
		"card[number]":    {number},
		"card[cvc]":       {cvc},
		"card[exp_month]": {"12"},
		"card[exp_year]":  {"2031"},
	}, got.form)
	assert.Equal(t, golden("idem-1"), got.header)
	host, err := os.Hostname()
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprint(got.header), host)

	// Telemetry would ride on the second request.
	_, err = c.CreatePaymentMethod(ctx, key, card, "idem-2")
	require.NoError(t, err)
	assert.Equal(t, golden("idem-2"), got.header)
}

func TestTheCardholderIsSentIfGiven(t *testing.T) {
	var got wire
	c, _ := server(t, record(&got, answer(200, paymentMethod)))
	named := card
	named.Name, named.PostalCode, named.Country = "Ana & Söhne=1", "10115", "DE"

	_, err := c.CreatePaymentMethod(t.Context(), key, named, "idem-1")
	require.NoError(t, err)
	assert.Equal(t, "Ana & Söhne=1", got.form.Get("billing_details[name]"))
	assert.Equal(t, "10115", got.form.Get("billing_details[address][postal_code]"))
	assert.Equal(t, "DE", got.form.Get("billing_details[address][country]"))

	named.PostalCode, named.Country = "", ""
	_, err = c.CreatePaymentMethod(t.Context(), key, named, "idem-1")
	require.NoError(t, err)
	assert.Len(t, got.form, 6, "an empty field is not sent: it would clear one")
}

func TestConfirmSetupIntentSendsTheClientSecret(t *testing.T) {
	var got wire
	body := `{"id":"` + intent + `","object":"setup_intent","status":"succeeded","livemode":true,
		"client_secret":"` + secret + `","payment_method":"pm_1Made"}`
	c, seen := server(t, record(&got, answer(200, body)))
	named := card
	named.Name = "Ana"

	si, err := c.ConfirmSetupIntent(t.Context(), key, intent, secret, named, "idem-1")
	require.NoError(t, err)
	assert.Equal(t, &stripecard.SetupIntent{
		ID: intent, Status: "succeeded", PaymentMethodID: "pm_1Made", Livemode: true, RequestID: "req_Abc",
	}, si)

	assert.EqualValues(t, 1, seen.Load())
	assert.Equal(t, "POST /v1/setup_intents/seti_1Intent/confirm HTTP/1.1", got.line)
	assert.Equal(t, url.Values{
		"client_secret":                              {secret},
		"payment_method_data[type]":                  {"card"},
		"payment_method_data[card][number]":          {number},
		"payment_method_data[card][cvc]":             {cvc},
		"payment_method_data[card][exp_month]":       {"12"},
		"payment_method_data[card][exp_year]":        {"2031"},
		"payment_method_data[billing_details][name]": {"Ana"},
	}, got.form)
	assert.Equal(t, golden("idem-1"), got.header)
}

func TestConfirmSetupIntentReadsEveryState(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want *stripecard.SetupIntent
	}{
		"expanded payment method": {
			`{"id":"seti_1Intent","status":"succeeded","payment_method":{"id":"pm_1Made","object":"payment_method"}}`,
			&stripecard.SetupIntent{ID: intent, Status: "succeeded", PaymentMethodID: "pm_1Made", RequestID: "req_Abc"},
		},
		"3-D Secure": {
			`{"id":"seti_1Intent","status":"requires_action","payment_method":"pm_1Made","next_action":{"type":"use_stripe_sdk"}}`,
			&stripecard.SetupIntent{ID: intent, Status: "requires_action", PaymentMethodID: "pm_1Made", RequestID: "req_Abc"},
		},
		"no payment method": {
			`{"id":"seti_1Intent","status":"requires_payment_method","payment_method":null}`,
			&stripecard.SetupIntent{ID: intent, Status: "requires_payment_method", RequestID: "req_Abc"},
		},
		"another intent":       {`{"id":"seti_2","status":"succeeded","payment_method":"pm_1Made"}`, nil},
		"no status":            {`{"id":"seti_1Intent"}`, nil},
		"not a payment method": {`{"id":"seti_1Intent","status":"succeeded","payment_method":"src_1"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := server(t, answer(200, tt.body))
			si, err := c.ConfirmSetupIntent(t.Context(), key, intent, secret, card, "idem-1")
			assert.Equal(t, tt.want, si)
			if tt.want == nil {
				assert.True(t, failed(t, err).Unreadable)
			}
		})
	}
}

func TestFieldsOfAnotherShapeAreLeftOut(t *testing.T) {
	c, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Request-Id", "req_"+number)
		_, _ = io.WriteString(w, `{"id":"pm_1","card":{"brand":"`+number+`","last4":"`+number+`","funding":"`+cvc+`","country":"<b>"}}`)
	})
	pm, err := create(t, c)
	require.NoError(t, err)
	assert.Equal(t, &stripecard.PaymentMethod{ID: "pm_1"}, pm)
}

func TestWhatIsRefusedIsNeverSent(t *testing.T) {
	c := over(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, io.EOF
	})
	for _, bad := range []string{"", "sk_test_51SecretKey", "rk_live_51Restricted", "pk_test_!", "pk_51", " " + key, key + "\n", "pk_live_x\r\nX: y", number} {
		pm, err := c.CreatePaymentMethod(t.Context(), bad, card, "idem-1")
		assert.Nil(t, pm)
		e := failed(t, err)
		assert.Equal(t, "key", e.Param)
		assert.Zero(t, e.StatusCode)
		if bad != "" {
			assert.NotContains(t, fmt.Sprintf("%+v %#v", e, e), bad)
		}
		_, err = c.ConfirmSetupIntent(t.Context(), bad, intent, secret, card, "idem-1")
		assert.Equal(t, "key", failed(t, err).Param)
	}
	for _, bad := range []string{"", "..", "pi_1", "seti_1/../x", number} {
		_, err := c.ConfirmSetupIntent(t.Context(), key, bad, secret, card, "idem-1")
		assert.Equal(t, "id", failed(t, err).Param)
	}
	_, err := c.ConfirmSetupIntent(t.Context(), key, intent, "", card, "idem-1")
	assert.Equal(t, "client_secret", failed(t, err).Param)
}

func TestACardNeverPrintsItself(t *testing.T) {
	assertHidden(t, card)
	assertHidden(t, &card)
	assertHidden(t, struct{ Card stripecard.Card }{card})
}

func TestOneClientServesManyAtOnce(t *testing.T) {
	c, seen := server(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("Idempotency-Key"), "odd") {
			answer(402, `{"error":{"type":"card_error","code":"card_declined","message":"no"}}`)(w, r)
			return
		}
		answer(200, paymentMethod)(w, r)
	})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			if i%2 == 1 {
				_, err := c.CreatePaymentMethod(t.Context(), key, card, "odd")
				assert.Equal(t, "card_declined", failed(t, err).Code)
				return
			}
			_, err := c.CreatePaymentMethod(t.Context(), key, card, "even")
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.EqualValues(t, 16, seen.Load())
}
