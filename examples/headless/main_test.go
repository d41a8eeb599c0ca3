package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// screen is what the program wrote.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// headless runs the program in memory and in fake time, in a directory of its own.
func headless(t *testing.T, args ...string) (printed string, err error) {
	t.Helper()
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		var out screen
		err = run(t.Context(), args, surroundings{
			out: &out, errs: &out, env: func(string) string { return "" },
			sandbox: []sandbox.Option{sandbox.InMemory()},
		})
		printed = out.String()
	})
	return printed, err
}

func lines(printed string) []string { return strings.Split(strings.TrimSpace(printed), "\n") }

func TestFiveStepsEndInAnImage(t *testing.T) {
	printed, err := headless(t)
	require.NoError(t, err, printed)
	for n := 1; n <= 5; n++ {
		assert.Equal(t, 1, strings.Count(printed, fmt.Sprintf("\n%d/5 ", n)), "step %d has one line", n)
	}
	assert.Contains(t, printed, "agent-auth 19/20]")
	assert.Contains(t, printed, "agent-billing 14/15]")
	assert.Contains(t, printed, "success after 2.0s")
	assert.Equal(t, "balance: $0.00 before, $24.98 after", lines(printed)[len(lines(printed))-1])
	assertPicture(t, "headless-1.png")
}

func assertPicture(t *testing.T, name string) {
	t.Helper()
	file, err := os.Open(name)
	require.NoError(t, err)
	defer func() { _ = file.Close() }() // it was only read
	picture, err := png.Decode(file)
	require.NoError(t, err)
	assert.Equal(t, 768, picture.Bounds().Dx())
}

func TestNeverOverwritesAnImageThatNobodyNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	for n := 1; n <= 2; n++ {
		file, err := create("", ".png")
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("headless-%d.png", n), file.Name())
		require.NoError(t, file.Close())
	}
}

func TestSavesWhereItIsTold(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lake.png")
	printed, err := headless(t, "-out", name, "-prompt", "a lake", "-model", "flux", "-amount", "12.50")
	require.NoError(t, err, printed)
	assert.Contains(t, printed, "saved "+name)
	assert.Contains(t, printed, "$12.50 charged")
	assertPicture(t, name)
}

func TestDeclinedCard(t *testing.T) {
	printed, err := headless(t, "-card", "4000000000009995")
	var declined *modelslab.PaymentDeclinedError
	require.ErrorAs(t, err, &declined)
	assert.NotContains(t, printed, "4/5")
	assert.Contains(t, advice(err), "insufficient_funds")
	assert.Contains(t, advice(err), "another card")
}

func TestCardThatWantsItsHolder(t *testing.T) {
	_, err := headless(t, "-card", "4000002760003184")
	var action *modelslab.RequiresActionError
	require.ErrorAs(t, err, &action)
	assert.Contains(t, advice(err), action.PaymentIntentID)
	assert.Contains(t, advice(err), "-human")
}

func TestPersonPays(t *testing.T) {
	printed, err := headless(t, "-human")
	require.NoError(t, err, printed)
	assert.Contains(t, printed, "a person can pay $25.00 at http://127.0.0.1/checkout/cs_")
	assert.Contains(t, printed, "not paid yet")
	assert.Contains(t, printed, "$24.98 after")
}

func TestSubscribes(t *testing.T) {
	for _, args := range [][]string{{"-subscribe", "20"}, {"-subscribe", "20", "-human"}} {
		printed, err := headless(t, args...)
		require.NoError(t, err, printed)
		assert.Contains(t, printed, "4/5 subscribe")
		assert.Contains(t, printed, "is active")
		assert.Contains(t, printed, "$0.00 before, $0.00 after")
	}
}

func TestPlanThatNobodySells(t *testing.T) {
	printed, err := headless(t, "-subscribe", "99")
	require.Error(t, err)
	assert.Contains(t, advice(err), "plan 20 (Standard, $47.00 monthly)")
	assert.NotContains(t, printed, "3/5", "it is known before the card goes anywhere")
}

func TestCommandLinesThatCannotBeRight(t *testing.T) {
	for name, args := range map[string][]string{
		"not an amount":            {"-amount", "lots"},
		"nothing to pay":           {"-amount", "0"},
		"a fraction of a cent":     {"-amount", "25.555"},
		"not a plan":               {"-subscribe", "basic"},
		"an argument":              {"please"},
		"no such flag":             {"-cheap"},
		"a real card in a flag":    {"-live", "-card", "4242424242424242"},
		"a person and a card":      {"-human", "-card", "4242424242424242"},
		"an account in a sandbox":  {"-login"},
		"a directory that is none": {"-out", filepath.Join("no", "such", "place.png")},
	} {
		t.Run(name, func(t *testing.T) {
			printed, err := headless(t, args...)
			require.ErrorIs(t, err, errUsage)
			assert.NotEmpty(t, printed)
			assert.NotContains(t, printed, "1/5")
		})
	}
	_, err := headless(t, "-help")
	require.ErrorIs(t, err, flag.ErrHelp)
}

func TestCardThatCannotBeRightCostsNoAccount(t *testing.T) {
	printed, err := headless(t, "-card", "4242424242424241")
	require.ErrorIs(t, err, modelslab.ErrValidation)
	assert.NotContains(t, printed, "1/5")
}

// live runs the program as -live does, with a sandbox in the place of the real service.
func live(t *testing.T, srv *sandbox.Server, typed string, environment map[string]string, args ...string) (string, error) {
	t.Helper()
	var out screen
	err := run(t.Context(), append([]string{"-live"}, args...), surroundings{
		in: strings.NewReader(typed), out: &out, errs: &out, live: srv.ClientOptions(),
		env: func(name string) string { return environment[name] },
	})
	return out.String(), err
}

func liveSandbox() *sandbox.Server {
	return sandbox.New(sandbox.InMemory(), sandbox.WithVerificationCodes(func(string) string { return "424242" }))
}

func purse(changes ...string) map[string]string {
	e := map[string]string{
		"MODELSLAB_EMAIL": "owner@example.com", "MODELSLAB_PASSWORD": "correct horse",
		"MODELSLAB_CARD_NUMBER": "4242 4242 4242 4242", "MODELSLAB_CARD_EXPIRY": "12/30", "MODELSLAB_CARD_CVC": "123",
	}
	for i := 0; i < len(changes); i += 2 {
		e[changes[i]] = changes[i+1]
	}
	return e
}

func TestLiveAsksForTheCodeAndForAYes(t *testing.T) {
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		srv := liveSandbox()
		printed, err := live(t, srv, "000000\n424242\nyes\n", purse())
		require.NoError(t, err, printed)
		assert.Contains(t, printed, "That is not the code.")
		assert.Contains(t, printed, "Charge $25.00 to the visa ending in 4242? This is real money.")
		require.Len(t, srv.Charges(), 1)

		// The same payment again, as after a crash.
		printed, err = live(t, srv, "yes\n", purse(), "-login")
		require.NoError(t, err, printed)
		assert.Contains(t, printed, "2/5 log in")
	})
}

func TestLiveChargesNothingWithoutAYes(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, typed := range []string{"424242\nno\n", "424242\n"} {
		synctest.Test(t, func(t *testing.T) {
			srv := liveSandbox()
			_, err := live(t, srv, typed, purse())
			require.Error(t, err)
			assert.Empty(t, srv.Charges())
		})
	}
}

func TestLiveLoginVerifiesFirstWhereThatIsDue(t *testing.T) {
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		srv := liveSandbox()
		_, err := live(t, srv, "", purse())
		require.Error(t, err, "nobody typed the code")
		printed, err := live(t, srv, "424242\nyes\n", purse(), "-login", "-email", "owner@example.com")
		require.NoError(t, err, printed)
		assert.Contains(t, printed, "a new code in the mail")
	})
}

func TestLiveOffersToLogInWhereTheAddressIsTaken(t *testing.T) {
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		srv := liveSandbox()
		srv.Account(sandbox.AccountParams{Email: "owner@example.com"})
		_, err := live(t, srv, "", purse())
		require.Error(t, err)
		assert.Contains(t, advice(err), "-login")
	})
}

func TestLiveNeedsItsCredentials(t *testing.T) {
	for _, missing := range []string{"MODELSLAB_EMAIL", "MODELSLAB_PASSWORD", "MODELSLAB_CARD_NUMBER", "MODELSLAB_CARD_EXPIRY", "MODELSLAB_CARD_CVC"} {
		srv := liveSandbox()
		_, err := live(t, srv, "", purse(missing, ""))
		require.Error(t, err, missing)
		assert.Empty(t, srv.Requests(), missing)
	}
}

func TestLiveShowsThePageToAPerson(t *testing.T) {
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		var out screen
		err := run(ctx, []string{"-live", "-human"}, surroundings{
			in: strings.NewReader("424242\n"), out: &out, errs: &out, live: liveSandbox().ClientOptions(),
			env: func(name string) string { return purse()[name] },
		})
		require.ErrorIs(t, err, context.DeadlineExceeded, "nobody paid")
		assert.Contains(t, out.String(), "open http://127.0.0.1/checkout/cs_")
	})
}

func TestLostAnswersCostNothingTwice(t *testing.T) {
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		srv := liveSandbox()
		srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 3})
		_, err := live(t, srv, "424242\nyes\n", purse())
		require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
		var unknown *modelslab.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Contains(t, advice(err), unknown.IdempotencyKey)

		printed, err := live(t, srv, "yes\n", purse(), "-login")
		if err != nil { // another card token under the old name: the server may say that it differs
			assert.NotContains(t, printed, "5/5")
		}
		assert.Len(t, srv.Charges(), 1)
	})
}

func TestBarMovesByTheEstimateAndEndsWithTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out screen
		p := watch(&out, true, 2*time.Second)
		<-time.After(1050 * time.Millisecond)
		p.answer(&modelslab.Generation{Status: modelslab.StatusProcessing, ETA: time.Second})
		<-time.After(5 * time.Second)
		assert.NotContains(t, out.String(), "100%")
		p.end(true)
		assert.Contains(t, out.String(), " 50%")
		assert.Contains(t, out.String(), "100%\n")
	})
}

func TestAdvice(t *testing.T) {
	for _, c := range []struct {
		err  error
		says string
	}{
		{&modelslab.OutcomeUnknownError{Endpoint: "auth.signup"}, "auth.signup may have been carried out"},
		{&modelslab.APIError{Response: modelslab.Response{StatusCode: 402}, Code: "payment_declined"}, "no money has moved"},
		{&modelslab.RateLimitError{RetryAfter: 30 * time.Second}, "wait 30s"},
		{modelslab.ErrCheckoutExpired, "new link"},
		{modelslab.ErrOperationMismatch, "-order"},
		{&modelslab.GenerationError{}, "without an image"},
		{errNoAPIKey, "MODELSLAB_API_KEY"},
		{modelslab.ErrUnauthenticated, "log in again"},
		{context.Canceled, "interrupted"},
		{&modelslab.ParamError{Param: "x", Reason: "y"}, ""},
		{errors.New("something else"), ""},
	} {
		if c.says == "" {
			assert.Empty(t, advice(c.err), "%v", c.err)
		} else {
			assert.Contains(t, advice(c.err), c.says, "%v", c.err)
		}
	}
}

func TestExtension(t *testing.T) {
	assert.Equal(t, ".png", extension("https://files.example.com/a.png?sig=1"))
	assert.Equal(t, ".webp", extension("https://files.example.com/a.WEBP"))
	assert.Equal(t, ".png", extension("https://files.example.com/a.exe"))
	assert.Equal(t, ".png", extension("::"))
}
