package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// world is where the five steps happen, with everything in it that is no call of the API:
// the mailbox, the wallet in somebody's pocket, and the people.
type world interface {
	options() []modelslab.Option // how to reach it
	account() (email string, password modelslab.Secret, err error)
	apiKey() modelslab.Secret // for a session that brings none
	code(ctx context.Context, email string) (string, error)
	card() (modelslab.Card, error)
	consent(ctx context.Context, question string) error // nil is a yes
	show(ctx context.Context, link *modelslab.PaymentLink)
}

// inSandbox is a world without money, in which everybody says yes.
type inSandbox struct {
	srv    *sandbox.Server
	number string // of the card; "" is one that works
	out    io.Writer
}

func (w *inSandbox) options() []modelslab.Option {
	fmt.Fprintf(w.out, "In the sandbox, at %s: no account, no network, no money.\n", w.srv.URL())
	return w.srv.ClientOptions()
}

func (w *inSandbox) account() (string, modelslab.Secret, error) {
	return "agent@example.com", modelslab.NewSecret("correct horse battery staple"), nil
}

func (w *inSandbox) apiKey() modelslab.Secret { return modelslab.Secret{} }

// code reads the mail.
func (w *inSandbox) code(_ context.Context, email string) (string, error) {
	code, ok := w.srv.VerificationCode(email)
	if !ok {
		return "", fmt.Errorf("no code was mailed to %s", email)
	}
	return code, nil
}

func (w *inSandbox) card() (modelslab.Card, error) {
	number, cvc := w.number, "123"
	if number == "" {
		number = "4242424242424242"
	}
	if strings.HasPrefix(number, "34") || strings.HasPrefix(number, "37") {
		cvc = "1234" // American Express has four digits
	}
	return modelslab.NewCard(number, 12, time.Now().Year()+1, cvc)
}

func (w *inSandbox) consent(context.Context, string) error { return nil }

// show has a person pay two seconds later.
func (w *inSandbox) show(ctx context.Context, link *modelslab.PaymentLink) {
	go func() {
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
			// What goes wrong here shows as a checkout that is never paid.
			_ = w.srv.CompleteCheckout(link.SessionID)
		}
	}()
}

// liveWorld is the real one, with the person at the terminal.
type liveWorld struct {
	settings
	around surroundings
	typed  *bufio.Reader
}

func newLive(s settings, around surroundings) *liveWorld {
	return &liveWorld{settings: s, around: around, typed: bufio.NewReader(around.in)}
}

func (w *liveWorld) options() []modelslab.Option { return w.around.live }

func (w *liveWorld) account() (string, modelslab.Secret, error) {
	email := w.email
	if email == "" {
		email = w.around.env("MODELSLAB_EMAIL")
	}
	password := w.around.env("MODELSLAB_PASSWORD")
	switch {
	case email == "":
		return "", modelslab.Secret{}, errors.New("an address is needed: -email or MODELSLAB_EMAIL")
	case password == "":
		return "", modelslab.Secret{}, errors.New("MODELSLAB_PASSWORD is not set")
	}
	return email, modelslab.NewSecret(password), nil
}

func (w *liveWorld) apiKey() modelslab.Secret {
	return modelslab.NewSecret(w.around.env("MODELSLAB_API_KEY"))
}

func (w *liveWorld) code(ctx context.Context, email string) (string, error) {
	return w.ask(ctx, fmt.Sprintf("The code mailed to %s: ", email))
}

func (w *liveWorld) card() (modelslab.Card, error) {
	month, year, err := expiry(w.around.env("MODELSLAB_CARD_EXPIRY"))
	if err != nil {
		return modelslab.Card{}, err
	}
	return modelslab.NewCard(w.around.env("MODELSLAB_CARD_NUMBER"), month, year, w.around.env("MODELSLAB_CARD_CVC"))
}

// expiry reads "04/29" and "04/2029".
func expiry(text string) (month, year int, err error) {
	m, y, _ := strings.Cut(text, "/")
	month, badMonth := strconv.Atoi(strings.TrimSpace(m))
	year, badYear := strconv.Atoi(strings.TrimSpace(y))
	if badMonth != nil || badYear != nil {
		return 0, 0, errors.New("MODELSLAB_CARD_EXPIRY must be a month and a year, as in 04/29")
	}
	return month, year, nil
}

// errNoConsent is the person's no.
var errNoConsent = errors.New("nobody said yes; nothing was charged")

func (w *liveWorld) consent(ctx context.Context, question string) error {
	answer, err := w.ask(ctx, question+" This is real money. Type yes: ")
	if err != nil {
		return err
	}
	if answer != "yes" {
		return errNoConsent
	}
	return nil
}

func (w *liveWorld) show(_ context.Context, link *modelslab.PaymentLink) {
	fmt.Fprintf(w.around.out, "    open %s to pay (session %s)\n", link.PaymentURL, link.SessionID)
}

// ask reads a line. ctx ends the waiting for it.
func (w *liveWorld) ask(ctx context.Context, prompt string) (string, error) {
	fmt.Fprint(w.around.out, prompt)
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := w.typed.ReadString('\n')
		if text != "" {
			err = nil // the last line may have no end
		}
		read <- line{strings.TrimSpace(text), err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case l := <-read:
		return l.text, l.err
	}
}
