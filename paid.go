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
	amount   sum  // of the payment object, or beside it
	beside   sum  // beside the payment object alone
	page     bool // a checkout page came
	held     holdings
}

func (w *paymentWords) read(object []byte) error {
	for m := membersOf(object); m.next(); {
		var err error
		switch v := m.value; string(m.name) {
		case "payment":
			w.paystate = firstOf(w.paystate, jsonText(v))
			for p := membersOf(v); p.next() && err == nil; {
				switch string(p.name) {
				case "status":
					w.state = jsonText(p.value)
				case "payment_intent_id":
					w.intent = jsonText(p.value)
				case "amount":
					err = w.amount.UnmarshalJSON(p.value)
				}
			}
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
		case "checkout_url":
			w.page = jsonText(v) != ""
		default:
			err = w.held.read(m.name, v)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if !w.amount.sent {
		w.amount = w.beside
	}
	return nil
}

// said reports whether there is any word for what became of the payment.
func (w *paymentWords) said() bool {
	return w.state != "" || w.status != "" || w.paystate != "" || w.held.balance().sent
}

// paid is nil if all words are those for money that has moved, of the amount
// that was asked for.
func (w *paymentWords) paid(a *answer, asked Amount) error {
	if w.page && w.state == "" {
		return errors.New("a checkout page came instead of a payment")
	}
	if err := paidWords(a, w.state, w.status, w.paystate); err != nil {
		return err
	}
	if !asked.IsZero() && w.amount.sent && w.amount.Amount != asked && a.replayed() {
		return fmt.Errorf("the server answers another request: $%s, not $%s", w.amount.Amount, asked)
	}
	return nil
}

func (w *paymentWords) word() string { return firstOf(w.state, w.paystate, w.status) }

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
	return w, w.paid(a, Amount{})
}

// finished tells the words for money that has moved.
func finished(status string) bool {
	switch strings.ToLower(status) {
	case "succeeded", "success", "successful", "paid", "complete", "completed":
		return true
	}
	return false
}

// unpaid tells the words for a subscription whose price has not been paid.
func unpaid(status string) bool {
	switch status {
	case "incomplete", "incomplete_expired", "past_due", "unpaid", "pending", "processing", "open", "failed", setupDeclined:
		return true
	}
	return false
}

// paidWords looks at all that an answer to a payment says beside its data: each
// word for a state has to be one for money that has moved, and nothing may say
// that it failed.
func paidWords(a *answer, words ...string) error {
	for _, word := range words {
		if word != "" && !finished(word) && word != "ok" && word != "active" && word != "trialing" {
			return unfinishedError(word)
		}
	}
	for _, object := range [...][]byte{a.object(), a.body} {
		for m := membersOf(object); m.next(); {
			switch string(m.name) {
			case "success", "status":
				if m.value[0] == 'f' || string(m.value) == "0" {
					return unfinishedError("failed")
				}
			case "errors":
				if !emptyValue(m.value) {
					return unfinishedError("failed")
				}
			}
		}
	}
	return nil
}

func unfinishedError(status string) error {
	return fmt.Errorf("the payment is %q, not finished", clean(status, maxCodeText))
}
