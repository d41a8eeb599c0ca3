package mocktest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"

	"github.com/modelslab/modelslab-agents-go/internal/stripecard"
)

const (
	key    = "pk_test_51Publishable"
	intent = "seti_123"
	secret = "seti_123_secret_456"
)

func card(number string) stripecard.Card {
	return stripecard.Card{Number: number, CVC: "123", ExpMonth: 12, ExpYear: 2031}
}

// mock is the mock's handler; reading the description takes it seconds.
var mock = sync.OnceValues(func() (http.Handler, error) {
	fixtures, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		return nil, err
	}
	spec, err := server.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		return nil, err
	}
	stub, err := server.NewStubServer(fixtures, spec, false, false)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(stub.HandleRequest), nil
})

// declines are Stripe's test cards that the mock, which has no state and does
// not look at numbers, would take.
var declines = map[string]string{
	"4000000000000002": `{"error":{"type":"card_error","code":"card_declined","decline_code":"generic_decline","message":"Your card was declined."}}`,
	"4000000000009995": `{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","message":"Your card has insufficient funds."}}`,
	"4000000000000069": `{"error":{"type":"card_error","code":"expired_card","param":"exp_month","message":"Your card has expired."}}`,
	"4000000000000127": `{"error":{"type":"card_error","code":"incorrect_cvc","param":"cvc","message":"Your card's security code is incorrect."}}`,
}

// stripe is the mock behind what it lacks: the real Stripe takes a publishable
// key for these calls, and the mock takes only a secret one. edit may change
// the form on its way.
func stripe(t *testing.T, edit func(url.Values)) *stripecard.Client {
	t.Helper()
	behind, err := mock()
	require.NoError(t, err)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sent, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); sent != key {
			refuse(w, http.StatusUnauthorized, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: `+sent+`"}}`)
			return
		}
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		form, err := url.ParseQuery(string(body))
		assert.NoError(t, err)
		if edit != nil {
			edit(form)
		}
		if strings.HasSuffix(r.URL.Path, "/confirm") {
			if form = attached(w, behind, form); form == nil {
				return
			}
		} else if decline, ok := declines[form.Get("card[number]")]; ok {
			refuse(w, http.StatusPaymentRequired, decline)
			return
		}
		forward(w, behind, r.URL.Path, form)
	}))
	t.Cleanup(srv.Close)
	return stripecard.New(stripecard.Config{Origin: srv.URL})
}

// attached is the form of a confirmation with its card made into a payment
// method, which is what the real Stripe does with it. Its published description
// leaves cards out of payment_method_data, and so the mock refuses them there;
// this way they are held against the description too. It is nil if w already
// has the refusal.
func attached(w http.ResponseWriter, behind http.Handler, confirm url.Values) url.Values {
	rest, made := url.Values{}, url.Values{}
	for name, values := range confirm {
		if inner, ok := strings.CutPrefix(name, "payment_method_data["); ok {
			made[strings.Replace(inner, "]", "", 1)] = values
		} else {
			rest[name] = values
		}
	}
	if decline, ok := declines[made.Get("card[number]")]; ok {
		refuse(w, http.StatusPaymentRequired, decline)
		return nil
	}
	answer := httptest.NewRecorder()
	forward(answer, behind, "/v1/payment_methods", made)
	if answer.Code != http.StatusOK {
		w.Header().Set("Request-Id", answer.Header().Get("Request-Id"))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
		return nil
	}
	var pm struct{ ID string }
	if err := json.Unmarshal(answer.Body.Bytes(), &pm); err != nil {
		refuse(w, http.StatusInternalServerError, `{}`)
		return nil
	}
	rest.Set("payment_method", pm.ID)
	return rest
}

// forward sends form to the mock with a key it takes.
func forward(w http.ResponseWriter, behind http.Handler, path string, form url.Values) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Authorization", "Bearer sk_test_123")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	behind.ServeHTTP(w, r)
}

func refuse(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_front")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// call is either of the two, as far as their failures are concerned.
type call func(t *testing.T, c *stripecard.Client, key string, card stripecard.Card) error

var calls = map[string]call{
	"CreatePaymentMethod": func(t *testing.T, c *stripecard.Client, key string, card stripecard.Card) error {
		_, err := c.CreatePaymentMethod(t.Context(), key, card, "idem-1")
		return err
	},
	"ConfirmSetupIntent": func(t *testing.T, c *stripecard.Client, key string, card stripecard.Card) error {
		_, err := c.ConfirmSetupIntent(t.Context(), key, intent, secret, card, "idem-1")
		return err
	},
}

func TestStripeTakesTheCard(t *testing.T) {
	full := card("4242424242424242")
	full.Name, full.PostalCode, full.Country = "Ana Example", "10115", "DE"
	for name, given := range map[string]stripecard.Card{"card alone": card("4242424242424242"), "with its holder": full} {
		t.Run(name, func(t *testing.T) {
			pm, err := stripe(t, nil).CreatePaymentMethod(t.Context(), key, given, "idem-1")
			require.NoError(t, err)
			assert.Regexp(t, `^pm_`, pm.ID)
			assert.Regexp(t, `^[0-9]{4}$`, pm.Last4)
			assert.NotEmpty(t, pm.Brand)
			assert.NotZero(t, pm.ExpMonth)
			assert.NotZero(t, pm.ExpYear)
			assert.False(t, pm.Created.IsZero())
			assert.False(t, pm.Livemode)
			assert.Equal(t, "req_123", pm.RequestID)

			si, err := stripe(t, nil).ConfirmSetupIntent(t.Context(), key, intent, secret, given, "idem-1")
			require.NoError(t, err)
			assert.Equal(t, intent, si.ID)
			assert.NotEmpty(t, si.Status)
			assert.Regexp(t, `^pm_`, si.PaymentMethodID)
			assert.Equal(t, "req_123", si.RequestID)
		})
	}
}

func TestStripeRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, do := range calls {
		for edit, change := range map[string]func(url.Values){
			"an unknown parameter": func(f url.Values) { f.Set("colour", "red") },
			"an unknown type": func(f url.Values) {
				for _, name := range []string{"type", "payment_method_data[type]"} {
					if f.Has(name) {
						f.Set(name, "shell")
					}
				}
			},
		} {
			t.Run(name+" with "+edit, func(t *testing.T) {
				var e *stripecard.Error
				require.ErrorAs(t, do(t, stripe(t, change), key, card("4242424242424242")), &e)
				assert.Equal(t, http.StatusBadRequest, e.StatusCode)
				assert.Equal(t, "invalid_request_error", e.Type)
				assert.Equal(t, "req_123", e.RequestID)
				assert.NotEmpty(t, e.Message)
				assert.NotContains(t, e.Error(), "4242")
			})
		}
	}
}

func TestStripeRefusesACardWithoutExpiry(t *testing.T) {
	c := stripe(t, func(f url.Values) {
		f.Del("card[exp_month]")
		f.Del("payment_method_data[card][exp_month]")
	})
	for name, do := range calls {
		t.Run(name, func(t *testing.T) {
			var e *stripecard.Error
			require.ErrorAs(t, do(t, c, key, card("4242424242424242")), &e)
			assert.Equal(t, http.StatusBadRequest, e.StatusCode)
			assert.Contains(t, e.Message, "'card'")
		})
	}
}

func TestDeclinedCards(t *testing.T) {
	for name, do := range calls {
		for number, want := range map[string]stripecard.Error{
			"4000000000000002": {Code: "card_declined", DeclineCode: "generic_decline", Message: "Your card was declined."},
			"4000000000009995": {Code: "card_declined", DeclineCode: "insufficient_funds", Message: "Your card has insufficient funds."},
			"4000000000000069": {Code: "expired_card", Param: "exp_month", Message: "Your card has expired."},
			"4000000000000127": {Code: "incorrect_cvc", Param: "cvc", Message: "Your card's security code is incorrect."},
		} {
			t.Run(name+" "+number, func(t *testing.T) {
				var e *stripecard.Error
				require.ErrorAs(t, do(t, stripe(t, nil), key, card(number)), &e)
				want.StatusCode, want.Type, want.RequestID = http.StatusPaymentRequired, "card_error", "req_front"
				assert.Equal(t, &want, e)
			})
		}
	}
}

func TestAnotherAccountsKey(t *testing.T) {
	for name, do := range calls {
		t.Run(name, func(t *testing.T) {
			var e *stripecard.Error
			require.ErrorAs(t, do(t, stripe(t, nil), "pk_test_Other", card("4242424242424242")), &e)
			assert.Equal(t, http.StatusUnauthorized, e.StatusCode)
			assert.Equal(t, "invalid_request_error", e.Type)
			assert.NotContains(t, e.Error(), "pk_test_Other")

			require.ErrorAs(t, do(t, stripe(t, nil), "sk_test_123", card("4242424242424242")), &e)
			assert.Zero(t, e.StatusCode, "a secret key is not sent at all")
		})
	}
}
