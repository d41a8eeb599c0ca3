package modelslab

import (
	"errors"
	"fmt"
	"strings"
)

// What answers say of money: the same few facts, in many places and words.

// holdings is the balance as many answers tell it, in three places.
type holdings struct {
	inWallet, plain, prefixed sum
	currency                  string
}

// read takes a member of an answer that may tell the balance.
func (w *holdings) read(name, value []byte) (err error) {
	switch string(name) {
	case "balance":
		err = w.plain.UnmarshalJSON(value)
	case "wallet_balance":
		err = w.prefixed.UnmarshalJSON(value)
	case "currency":
		w.currency = firstOf(w.currency, jsonText(value))
	case "wallet":
		for m := membersOf(value); m.next(); {
			switch string(m.name) {
			case "balance":
				if err := w.inWallet.UnmarshalJSON(m.value); err != nil {
					return err
				}
			case "currency":
				w.currency = jsonText(m.value)
			}
		}
	}
	return err
}

func (w *holdings) balance() sum {
	for _, s := range [...]sum{w.inWallet, w.plain, w.prefixed} {
		if s.sent {
			return s
		}
	}
	return sum{}
}

// paymentWords are what an answer says of a payment, in its many places.
type paymentWords struct {
	state    string // of the payment object
	status   string // beside it
	paystate string // payment_status, or a word where the payment object is due
	intent   string
	message  string
	payment  sum  // the payment object's amount
	beside   sum  // an amount beside it
	page     bool // a checkout page or a payment link came
	held     holdings
}

func (w *paymentWords) read(object []byte) error {
	for m := membersOf(object); m.next(); {
		var err error
		switch v := m.value; string(m.name) {
		case "payment", "payment_intent":
			err = w.readPayment(v)
		case "status":
			w.status = jsonText(v)
		case "payment_status":
			w.paystate = firstOf(jsonText(v), w.paystate)
		case "payment_intent_id":
			w.intent = firstOf(w.intent, jsonText(v))
		case "amount":
			err = w.beside.UnmarshalJSON(v)
		case "message":
			w.message = jsonText(v)
		case "checkout_url", "payment_url":
			w.page = w.page || jsonText(v) != ""
		default:
			err = w.held.read(m.name, v)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	w.intent = scrubText(w.intent)
	return nil
}

// readPayment reads the payment: an object, an intent's id, or a word.
func (w *paymentWords) readPayment(v []byte) error {
	if word := jsonText(v); paymentIntentForm.MatchString(word) {
		w.intent = firstOf(w.intent, word)
	} else {
		w.paystate = firstOf(w.paystate, word)
	}
	for p := membersOf(v); p.next(); {
		switch string(p.name) {
		case "status":
			w.state = firstOf(w.state, jsonText(p.value))
		case "payment_intent_id", "id":
			if id := jsonText(p.value); string(p.name) != "id" || paymentIntentForm.MatchString(id) {
				w.intent = firstOf(w.intent, id)
			}
		case "amount":
			if err := w.payment.UnmarshalJSON(p.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// amount is the payment's, wherever it stands.
func (w *paymentWords) amount() sum {
	if w.payment.sent {
		return w.payment
	}
	return w.beside
}

// said reports whether there is any word for what became of the payment.
func (w *paymentWords) said() bool {
	return w.state != "" || w.status != "" || w.paystate != "" || w.held.balance().sent
}

// paid is nil if all words are those for money that has moved.
func (w *paymentWords) paid(a *answer) error {
	if w.page && !finished(w.state) {
		return errors.New("a page to pay on came instead of a payment")
	}
	return paidWords(a, w.state, w.status, w.paystate)
}

func (w *paymentWords) word() string { return firstOf(w.state, w.paystate, w.status) }

// anotherAmount is the error for a replay that answers a request for another
// amount than the one that was asked for.
func anotherAmount(a *answer, told sum, asked Amount) error {
	if !asked.IsZero() && told.sent && told.Amount != asked && a.replayed() {
		return fmt.Errorf("the server answers another request: $%s, not $%s", told.Amount, asked)
	}
	return nil
}

// readPayment reads an answer that may speak of a payment and need not.
func readPayment(t *trip, a *answer) (*paymentWords, error) {
	object, err := a.anything(t)
	if err != nil {
		return nil, err
	}
	w := &paymentWords{}
	if err := w.read(object); err != nil {
		return nil, err
	}
	return w, w.paid(a)
}

// finished tells the words for money that has moved.
func finished(status string) bool {
	switch strings.ToLower(status) {
	case "succeeded", "success", "successful", "paid", "complete", "completed":
		return true
	}
	return false
}

// done tells the words for a change that was carried out. Any other word leaves
// open whether it was.
func done(status string) bool {
	switch strings.ToLower(status) {
	case "ok", "done", "active", "trialing", "paused", "scheduled", "updated", "changed", "upgraded", "downgraded", "resumed", "reset", "renewed", "fixed",
		"charged", "funded", "redeemed", "applied", "enabled", "disabled", "attached", "saved":
		return true
	}
	return finished(status)
}

// paidWords looks at all that an answer to a payment says beside its data: each
// word for a state has to be one for what was done, and nothing may say that it
// was not.
func paidWords(a *answer, words ...string) error {
	for _, word := range words {
		if word != "" && !done(word) {
			return unfinishedError(word)
		}
	}
	payload := a.object()
	for _, object := range [...][]byte{payload, a.body} {
		around := len(object) != len(payload) // what stands around the data
		for m := membersOf(object); m.next(); {
			switch string(m.name) {
			case "success", "paid", "data":
				if saysNo(m.value) {
					return unfinishedError("failed")
				}
			case "status":
				word := jsonText(m.value)
				code := len(word) == 3 && word[0] == '2' // {"status":200,"data":…}
				if saysNo(m.value) || around && word != "" && !done(word) && !code {
					return unfinishedError(firstOf(word, "failed"))
				}
			case "error", "errors":
				if !emptyValue(m.value) {
					return unfinishedError("failed")
				}
			case requiresAction:
				if truth(m.value) {
					return unfinishedError(requiresAction)
				}
			}
		}
	}
	return nil
}

// saysNo tells the ways to write false, and the words for it.
func saysNo(v []byte) bool {
	if len(v) > len(`"declined"`) || v[0] == '{' || v[0] == '[' {
		return false
	}
	switch strings.ToLower(string(scalar(v))) {
	case "false", "0", "no", "failed", "failure", "error", "declined", "denied", "rejected", "invalid":
		return true
	}
	return false
}

func unfinishedError(status string) error {
	return fmt.Errorf("it is said to be %q, not done", clean(status, maxCodeText))
}
