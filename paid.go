package modelslab

import (
	"errors"
	"fmt"
	"slices"
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
	payment  sum   // the payment object's amount
	beside   maybe // an amount beside it
	page     bool  // a checkout page or a payment link came
	held     holdings
}

func (w *paymentWords) read(object []byte) error {
	for m := membersOf(object); m.next(); {
		var err error
		switch v := m.value; string(m.name) {
		case "payment", "payment_intent":
			err = w.readPayment(v)
		case "invoice", "latest_invoice":
			w.worsen(stateOf(member(v, "status")))
		case "status":
			w.status = stateOf(v)
		case "payment_status":
			w.paystate = firstOf(stateOf(v), w.paystate)
		case "success", "ok":
			if saysNo(v) {
				w.worsen(failedState)
			}
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

const failedState = "failed"

// stateOf is a word for a state; false is one too.
func stateOf(v []byte) string {
	if len(v) > 0 && (v[0] == 'f' || saysNo(v)) {
		return failedState
	}
	return jsonText(v)
}

// worsen takes a payment's state, of several the one that is least finished.
func (w *paymentWords) worsen(state string) {
	if state != "" && (w.state == "" || !finished(state)) {
		w.state = state
	}
}

// readPayment reads the payment: an object, an intent's id, or a word.
func (w *paymentWords) readPayment(v []byte) error {
	if word := stateOf(v); paymentIntentForm.MatchString(word) {
		w.intent = firstOf(w.intent, word)
	} else {
		w.paystate = firstOf(w.paystate, word)
	}
	for p := membersOf(v); p.next(); {
		switch string(p.name) {
		case "status":
			w.worsen(stateOf(p.value))
		case "success", "paid":
			if saysNo(p.value) {
				w.worsen(failedState)
			}
		case "error", "last_payment_error":
			if !emptyValue(p.value) {
				w.worsen(failedState)
			}
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
	return w.beside.sum
}

// said reports whether there is any word for what became of the payment.
func (w *paymentWords) said() bool {
	return w.state != "" || w.status != "" || w.paystate != "" || w.held.balance().sent
}

// paid is nil if ok knows all words; more are words that stand elsewhere.
func (w *paymentWords) paid(a *answer, ok func(string) bool, more ...string) error {
	if w.page && !finished(w.state) {
		return errors.New("a page to pay on came instead of a payment")
	}
	words := [6]string{w.state, w.status, w.paystate}
	copy(words[3:], more)
	return paidWords(a, ok, words[:]...)
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
	return w, w.paid(a, moved)
}

// finished tells the words for money that has moved.
func finished(status string) bool {
	switch strings.ToLower(status) {
	case "succeeded", "success", "successful", "paid", "complete", "completed":
		return true
	}
	return false
}

// moved tells the words for money that has moved and for what it has bought. What
// was merely created, changed or scheduled has not been paid.
func moved(status string) bool {
	switch strings.ToLower(status) {
	case "ok", "true", "1", "yes", "active", "trialing", "credited", "funded", "charged", "redeemed", "claimed", "used", "applied", "processed", "confirmed", "already_confirmed":
		return true
	}
	return finished(status)
}

// bought is moved for plans, the first period of which may be free.
func bought(status string) bool {
	return moved(status) || status == "no_payment_required" || status == "not_required"
}

// done tells the words for a change that was carried out. Any other word leaves
// open whether it was.
func done(status string) bool {
	switch strings.ToLower(status) {
	case "done", "paused", "scheduled", "created", "updated", "changed", "upgraded", "downgraded", "resumed", "reset", "renewed", "fixed",
		"enabled", "disabled", "attached", "saved", "deleted", "removed", "detached", "none":
		return true
	}
	return bought(status) || len(status) == 3 && status[0] == '2' // {"status":200,"data":…}
}

// paidWords looks at all that an answer to a payment says: each word for a state
// has to be one that ok knows, and nothing beside may say that it was not done.
// The words inside the data are the caller's to bring; those around it are the
// framework's, which speak of the call, and are read here.
func paidWords(a *answer, ok func(string) bool, words ...string) error {
	for _, word := range words {
		if word != "" && !ok(word) {
			return unfinishedError(word)
		}
	}
	if a.shape == shapeJSON && saysNo(a.body) {
		return unfinishedError(failedState)
	}
	// On trial, and on its way out of the wallet, it is honest to be unpaid.
	mayBeUnpaid := slices.Contains(words, "trialing") || ok("pending")
	payload := a.object()
	for _, object := range [...][]byte{payload, a.body} {
		around := len(object) != len(payload)
		for m := membersOf(object); m.next(); {
			no := false
			switch string(m.name) {
			case "success", "ok", "data":
				no = saysNo(m.value)
			case "paid", "payment", "payment_status":
				no = saysNo(m.value) && !mayBeUnpaid
			case "status":
				word := stateOf(m.value)
				no = around && word != "" && !ok(word) && !done(word)
			case "code", "status_code":
				code := jsonInt(m.value)
				no = code >= 400 && code < 600
			case "error", "errors":
				no = !emptyValue(m.value)
			case "error_code", "decline_code":
				no = jsonText(m.value) != ""
			case requiresAction:
				no = truth(m.value)
			}
			if no {
				return unfinishedError(string(m.name) + ": " + firstOf(jsonText(m.value), failedState))
			}
		}
	}
	return nil
}

// saysNo tells the ways to write false, and the words for it.
func saysNo(v []byte) bool {
	if len(v) == 0 || len(v) > len(`"unsuccessful"`) || v[0] == '{' || v[0] == '[' {
		return false
	}
	switch strings.ToLower(string(scalar(v))) {
	case "false", "0", "no", "fail", failedState, "failure", "error", "unsuccessful", "declined", "denied", "rejected", "invalid":
		return true
	}
	return false
}

func unfinishedError(status string) error {
	return fmt.Errorf("it is said to be %q, not done", clean(status, maxCodeText))
}
