package main

import (
	"bytes"
	"context"
	"flag"
	"regexp"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func TestTranscript(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out), out.String())
	printed := regexp.MustCompile(`in_1\w+`).ReplaceAllString(out.String(), "in_1")
	assert.Equal(t, `card          the one ending in 4242 is saved, and nothing was charged
              visa 4242, EXPIRY, default: true
auto-funding  $10.00 whenever the wallet holds less than $5.00
three images  the wallet held $5.05, then $5.03, then $5.01, then $14.99
              credited last: $10.00, Automatic wallet funding
coupon        WELCOME5 is redeemed (The coupon credits $5.00.); the wallet holds $19.99
invoices      1
              SANDBOX-000001, Automatic wallet funding, paid: http://127.0.0.1/invoices/in_1.pdf
auto-funding  off
card          taken off the account
`, regexp.MustCompile(`12/20\d\d`).ReplaceAllString(printed, "EXPIRY"))
}

// purse is what the environment holds for -live.
func purse(t *testing.T) {
	t.Helper()
	t.Setenv("MODELSLAB_CARD_NUMBER", "5555555555554444")
	t.Setenv("MODELSLAB_CARD_EXPIRY", "04/40")
	t.Setenv("MODELSLAB_CARD_CVC", "123")
}

// live runs the program as -live does, with a sandbox in the place of the real service.
func live(ctx context.Context, a sandbox.Account, args ...string) (string, error) {
	var out bytes.Buffer
	err := run(ctx, append([]string{"-live"}, args...), &out, a.ClientOptions()...)
	return out.String(), err
}

func service(opts ...sandbox.Option) (*sandbox.Server, sandbox.Account) {
	srv := sandbox.New(append(opts, sandbox.InMemory(), sandbox.WithGenerationTime(0))...)
	return srv, srv.Account(sandbox.AccountParams{BalanceCents: 4_00})
}

func TestLiveMovesNoMoneyUnlessThatIsSaid(t *testing.T) {
	purse(t)
	srv, a := service()
	printed, err := live(t.Context(), a)
	require.ErrorIs(t, err, errNoSpend)
	assert.Empty(t, printed)
	assert.Empty(t, srv.Requests())
}

func TestLiveLeavesTheAccountAsItWas(t *testing.T) {
	purse(t)
	srv, a := service()
	client, err := modelslab.New(a.ClientOptions()...)
	require.NoError(t, err)
	_, err = client.Billing.AttachPaymentMethod(t.Context(), modelslab.BillingAttachPaymentMethodParams{PaymentMethodID: "pm_card_visa"})
	require.NoError(t, err)

	printed, err := live(t.Context(), a, "-spend")
	require.NoError(t, err, printed)
	assert.Contains(t, printed, "mastercard 4444, 04/2040, default: true")
	assert.NotContains(t, printed, "coupon", "none was named")
	require.Len(t, srv.Charges(), 1, "the balance was low already")
	assert.EqualValues(t, 10_00, srv.Charges()[0].Cents)

	cards, err := client.Billing.PaymentMethods(t.Context())
	require.NoError(t, err)
	require.Len(t, cards, 1)
	assert.Equal(t, "pm_card_visa", cards[0].ID)
	assert.True(t, cards[0].IsDefault)
}

func TestWhatWentWrongLeavesNoStandingOrder(t *testing.T) {
	for name, spoil := range map[string]sandbox.Fault{
		"no image":            {Endpoint: "images.text2img", Kind: sandbox.Fault502, Times: 9},
		"an order in doubt":   {Endpoint: "wallet.set_auto_funding", Kind: sandbox.FaultDropAfter, Times: 3},
		"a card in doubt":     {Endpoint: "billing.attach_payment_method", Kind: sandbox.FaultDropAfter, Times: 3},
		"a card not attached": {Endpoint: "billing.attach_payment_method", Kind: sandbox.Fault502, Times: 3},
	} {
		t.Run(name, func(t *testing.T) {
			purse(t)
			synctest.Test(t, func(t *testing.T) { // repeats wait
				_, a := service(sandbox.WithFault(spoil))
				printed, err := live(t.Context(), a, "-spend")
				require.Error(t, err, printed)
				client, err := modelslab.New(a.ClientOptions()...)
				require.NoError(t, err)
				cards, err := client.Billing.PaymentMethods(t.Context())
				require.NoError(t, err)
				assert.Empty(t, cards, "without a card there is no order either")
			})
		})
	}
}

func TestAnInterruptionLeavesNoStandingOrder(t *testing.T) {
	purse(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	_, a := service(sandbox.OnRequest(func(r sandbox.Request) {
		if r.Endpoint == "images.text2img" {
			interrupt()
		}
	}))
	printed, err := live(ctx, a, "-spend")
	require.ErrorIs(t, err, context.Canceled)
	assert.Contains(t, printed, "auto-funding  off\ncard          taken off the account\n")
}

func TestLiveNeedsACard(t *testing.T) {
	srv, a := service()
	for _, c := range []struct{ name, value string }{{"MODELSLAB_CARD_EXPIRY", ""}, {"MODELSLAB_CARD_NUMBER", "4242424242424241"}} {
		purse(t)
		t.Setenv(c.name, c.value)
		_, err := live(t.Context(), a, "-spend")
		require.Error(t, err, c.name)
	}
	assert.Empty(t, srv.Requests())
}

func TestCommandLinesThatCannotBeRight(t *testing.T) {
	require.Error(t, run(t.Context(), []string{"please"}, &bytes.Buffer{}))
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, &bytes.Buffer{}), flag.ErrHelp)
	require.ErrorIs(t, run(t.Context(), []string{"-coupon", "NOBODYS"}, &bytes.Buffer{}), modelslab.ErrValidation)
}
