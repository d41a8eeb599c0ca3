package modelslab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// WalletService shows and fills the wallet that generations are paid from. All
// amounts are US dollars.
// Documentation: docs.modelslab.com/agents-api/billing-and-wallet.
type WalletService struct{ c *Client }

// Balance is what the wallet holds.
type Balance struct {
	Balance  Amount `json:"balance"`
	Currency string `json:"currency"` // "USD"; empty: not said
}

// sum is an amount that may not have been sent: zero dollars and no word are
// not the same.
type sum struct {
	Amount
	sent bool
}

func (s *sum) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	s.sent = true
	return s.Amount.UnmarshalJSON(data)
}

func (s sum) pointer() *Amount {
	if !s.sent {
		return nil
	}
	return &s.Amount
}

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

func (b *Balance) decode(_ *trip, a *answer) error {
	m, err := a.members()
	if err != nil {
		return err
	}
	var w holdings
	for m.next() {
		if err := w.read(m.name, m.value); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	s := w.balance()
	if !s.sent {
		return missing("balance")
	}
	b.Balance, b.Currency = s.Amount, w.currency
	return nil
}

// Balance reads what the wallet holds. Limits: 120 a minute. API: GET
// /wallet/balance.
func (s *WalletService) Balance(ctx context.Context, opts ...RequestOption) (*Balance, error) {
	return call[Balance](ctx, s.c, walletBalance, input{}, opts)
}

// The documented kinds of transactions.
const (
	TransactionCredit = "credit"
	TransactionDebit  = "debit"
)

// maxTransactions is the documented limit of one page.
const maxTransactions = 200

// TransactionsParams chooses a page of transactions.
type TransactionsParams struct {
	Type   string // TransactionCredit, TransactionDebit, or both if empty
	Limit  int    // 1 to 200; 0: the server's default, 50
	Offset int    // how many to pass over
}

func (p TransactionsParams) query() (url.Values, error) {
	q := url.Values{}
	switch {
	case p.Limit < 0 || p.Limit > maxTransactions:
		return nil, &ParamError{Param: "TransactionsParams.Limit", Value: strconv.Itoa(p.Limit), Reason: "must be 1 to 200, or 0 for the server's default"}
	case p.Offset < 0:
		return nil, &ParamError{Param: "TransactionsParams.Offset", Value: strconv.Itoa(p.Offset), Reason: "must not be negative"}
	case hasControl(p.Type):
		return nil, &ParamError{Param: "TransactionsParams.Type", Value: p.Type, Reason: `must be "credit", "debit" or empty`}
	}
	if p.Type != "" {
		q.Set("type", p.Type)
	}
	if p.Limit > 0 {
		q.Set("limit", strconv.Itoa(p.Limit))
	}
	if p.Offset > 0 {
		q.Set("offset", strconv.Itoa(p.Offset))
	}
	return q, nil
}

// Transaction is one movement of the wallet.
type Transaction struct {
	ID            ID        `json:"id"`
	Source        string    `json:"source"`         // "stripe"
	TransactionID string    `json:"transaction_id"` // "pi_…"
	Type          string    `json:"type"`           // "credit" or "debit"
	Amount        Amount    `json:"amount"`
	Status        string    `json:"status"`  // "success"
	UseCase       string    `json:"usecase"` // "wallet_funding"
	Description   string    `json:"description,omitzero"`
	CreatedAt     Timestamp `json:"created_at"`
}

// TransactionPage is one page of transactions, presumably the newest first: the
// order is documented nowhere.
type TransactionPage struct {
	Items  []Transaction `json:"items"`
	Count  int           `json:"count"` // in this page
	Total  int           `json:"total"` // in all, as the server says; 0: not said
	Wallet WalletSummary `json:"wallet"`
}

// WalletSummary is the wallet as a page of transactions shows it. nil: not
// sent.
type WalletSummary struct {
	Balance       *Amount `json:"balance"`
	Currency      string  `json:"currency"`
	TotalCredited *Amount `json:"total_credited"`
	AmountUsed    *Amount `json:"amount_used"`
}

func (p *TransactionPage) decode(_ *trip, a *answer) error {
	data, err := a.list()
	if err != nil {
		return err
	}
	if !json.Valid(data) {
		return errUnreadable
	}
	items := data
	if data[0] == '{' {
		items = nil
		for m := membersOf(data); m.next(); {
			switch string(m.name) {
			case "items":
				items = m.value
			case "count":
				p.Count = jsonInt(m.value)
			case "total":
				p.Total = jsonInt(m.value)
			case "wallet":
				if err := decodeTolerant(m.value, &p.Wallet); err != nil {
					return fmt.Errorf("wallet: %w", err)
				}
			}
		}
		if len(items) == 0 || items[0] != '[' {
			return missing("items")
		}
	}
	p.Items = make([]Transaction, 0, max(0, min(p.Count, maxTransactions)))
	for e := elementsOf(items); e.next(); {
		var tx Transaction
		if err := tx.read(e.value); err != nil {
			return fmt.Errorf("items[%d]: %w", len(p.Items), err)
		}
		p.Items = append(p.Items, tx)
	}
	if data[0] == '[' {
		p.Count = len(p.Items)
	}
	return nil
}

// read takes a transaction apart. Pages of them are long, and a walk over their
// members costs a third of what reflection does.
func (tx *Transaction) read(object []byte) (err error) {
	var amount sum
	for m := membersOf(object); m.next() && err == nil; {
		switch v := m.value; string(m.name) {
		case "id":
			err = tx.ID.UnmarshalJSON(v)
		case "source":
			tx.Source = jsonText(v)
		case "transaction_id":
			tx.TransactionID = jsonText(v)
		case "type":
			tx.Type = jsonText(v)
		case "amount":
			err = amount.UnmarshalJSON(v)
		case "status":
			tx.Status = jsonText(v)
		case "usecase":
			tx.UseCase = jsonText(v)
		case "description":
			tx.Description = jsonText(v)
		case "created_at":
			err = tx.CreatedAt.UnmarshalJSON(v)
		}
	}
	if err == nil && !amount.sent {
		err = missing("amount") // no word is not zero dollars
	}
	tx.Amount = amount.Amount
	return err
}

// jsonInt reads a whole number, as a number or a string.
func jsonInt(v []byte) int {
	var n flexInt
	_ = n.UnmarshalJSON(v) // it takes everything
	return int(n)
}

// Transactions reads one page of the wallet's movements. Limits: 120 a minute,
// 200 a page. API: GET /wallet/transactions.
func (s *WalletService) Transactions(ctx context.Context, p TransactionsParams, opts ...RequestOption) (*TransactionPage, error) {
	q, err := p.query()
	if err != nil {
		return nil, err
	}
	return call[TransactionPage](ctx, s.c, walletTransactions, input{query: q}, opts)
}

// WalletFundParams charges a card.
type WalletFundParams struct {
	Amount          Amount `json:"amount"`            // US dollars, at most two decimals
	PaymentMethodID string `json:"payment_method_id"` // "pm_…", from Billing.TokenizeCard
}

func (p WalletFundParams) check() error {
	return firstError(checkAmount("WalletFundParams.Amount", p.Amount), checkPaymentMethod("WalletFundParams.PaymentMethodID", p.PaymentMethodID))
}

func (p WalletFundParams) price() Amount { return p.Amount }

// Funding is money that has reached the wallet.
type Funding struct {
	Status          string  // "succeeded", also where only the new balance was sent
	PaymentIntentID string  // "pi_…"; empty: not said
	Message         string  // the server's words
	Balance         *Amount // US dollars after it; nil: not sent
}

func (f *Funding) decode(t *trip, a *answer) error {
	m, err := a.members()
	if err != nil {
		return err
	}
	var (
		held             holdings
		paid, amount     sum
		page             bool
		status, paystate string
	)
	for m.next() {
		switch string(m.name) {
		case "payment":
			paystate = firstOf(paystate, jsonText(m.value)) // a word where an object is due
			for p := membersOf(m.value); p.next() && err == nil; {
				switch string(p.name) {
				case "status":
					f.Status = jsonText(p.value)
				case "payment_intent_id":
					f.PaymentIntentID = jsonText(p.value)
				case "amount":
					err = paid.UnmarshalJSON(p.value)
				}
			}
		case "status":
			status = jsonText(m.value)
		case "payment_status":
			paystate = firstOf(jsonText(m.value), paystate)
		case "payment_intent_id":
			f.PaymentIntentID = firstOf(f.PaymentIntentID, jsonText(m.value))
		case "amount":
			err = amount.UnmarshalJSON(m.value)
		case "message":
			f.Message = jsonText(m.value)
		case "checkout_url":
			page = jsonText(m.value) != ""
		default:
			err = held.read(m.name, m.value)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	balance := held.balance()
	switch {
	case page && f.Status == "":
		return errors.New("a checkout page came instead of a payment")
	case f.Status == "" && status == "" && paystate == "" && !balance.sent:
		return missing("payment.status") // an intent or a message alone is no payment
	}
	if err := paidWords(a, status, paystate); err != nil {
		return err
	}
	if !paid.sent {
		paid = amount
	}
	if asked, ok := t.in.body.(WalletFundParams); ok && paid.sent && paid.Amount != asked.Amount && a.replayed() {
		return fmt.Errorf("the server answers another request: $%s, not $%s", paid.Amount, asked.Amount)
	}
	f.Status = firstOf(f.Status, paystate, status, "succeeded")
	f.Balance = balance.pointer()
	return nil
}

// Fund charges a saved card and adds the sum to the wallet. A nil error always
// means paid.
//
// Fund moves money. It carries an idempotency key and is repeated with it, so
// that a lost answer is asked for again and not paid again; name the payment
// with [WithOperation] to be safe across crashes too. A card that is refused is a
// [PaymentDeclinedError], one that asks for its holder a [RequiresActionError]:
// no money has moved then. After [ErrOutcomeUnknown] it may have; see
// [OutcomeUnknownError]. The least amount ($10 or more) is the server's to say.
// Limits: 15 a minute. API: POST /wallet/fund.
func (s *WalletService) Fund(ctx context.Context, p WalletFundParams, opts ...RequestOption) (*Funding, error) {
	return call[Funding](ctx, s.c, walletFund, input{body: p}, opts)
}

// WalletFundCheckoutParams asks for a checkout page.
type WalletFundCheckoutParams struct {
	Amount Amount `json:"amount"` // US dollars, at most two decimals
}

func (p WalletFundCheckoutParams) check() error {
	return checkAmount("WalletFundCheckoutParams.Amount", p.Amount)
}

func (p WalletFundCheckoutParams) price() Amount { return p.Amount }

// FundCheckout makes a checkout page where a human pays the amount: fund
// without a card. Wait for it with [WalletService.AwaitCheckout].
// [BillingService.CreatePaymentLink] does the same and is better known. It
// carries an idempotency key and is repeated with it; no money moves before the
// human pays. Limits: 15 a minute. API: POST /wallet/fund.
func (s *WalletService) FundCheckout(ctx context.Context, p WalletFundCheckoutParams, opts ...RequestOption) (*PaymentLink, error) {
	return call[PaymentLink](ctx, s.c, walletFund, input{body: p}, opts)
}

// ConfirmCheckout credits the wallet with what a human has paid on a checkout
// page. A page that is not paid yet is [ErrCheckoutPending]; ask again later
// with another idempotency key, because the server may keep its answer to this
// one. It carries a key and is repeated with it; after [ErrOutcomeUnknown] the
// credit may be there. [WalletService.AwaitCheckout] does all that. Limits: 15 a
// minute. API:
// POST /wallet/confirm-checkout.
func (s *WalletService) ConfirmCheckout(ctx context.Context, sessionID string, opts ...RequestOption) (*Funding, error) {
	f, err := call[checkoutFunding](ctx, s.c, walletConfirmCheckout, input{body: sessionParams{sessionID}}, opts)
	if err != nil {
		return nil, err
	}
	return &f.Funding, nil
}

// checkoutFunding is a funding that may not be paid yet.
type checkoutFunding struct {
	Funding
	checkoutAnswer
}

func (f *checkoutFunding) decode(t *trip, a *answer) error {
	if err := f.pending(t, a); err != nil {
		return err
	}
	return f.Funding.decode(t, a)
}

// AwaitCheckout waits until a human has paid a link that funds the wallet, and
// credits it. It asks every ten seconds (at least five apart), each time under a
// key of its own, and looks first whether the credit is already there: a
// transaction with the session's id, or the payment that a refusal names. It ends
// with [ErrCheckoutExpired] only once the server has said "not yet" after the
// link's expiry; without such a word it ends as [ErrOutcomeUnknown]. ctx ends
// the waiting, not the link: after a restart &PaymentLink{SessionID: id} will
// do, and if nobody pays such a link, of which no expiry is known, ctx alone ends
// the waiting.
func (s *WalletService) AwaitCheckout(ctx context.Context, link *PaymentLink, p AwaitParams, opts ...RequestOption) (*Funding, error) {
	return await(ctx, link, p, opts, awaiting[Funding]{
		purpose:  PurposeFund,
		endpoint: walletConfirmCheckout,
		confirm:  s.ConfirmCheckout,
		found:    s.credited,
	})
}

// PaymentStatus is what became of a payment.
type PaymentStatus struct {
	Status          string  // "succeeded", "pending", "failed", or a word of Stripe's
	PaymentIntentID string  // "pi_…"
	Amount          *Amount // US dollars; nil: not sent
	Currency        string  // "usd"
}

// IsFinal reports whether the payment can change no more.
func (p *PaymentStatus) IsFinal() bool {
	return p.Succeeded() || p.Status == "failed" || p.Status == "canceled"
}

// Succeeded reports whether the money has moved.
func (p *PaymentStatus) Succeeded() bool { return finished(p.Status) }

func (p *PaymentStatus) decode(_ *trip, a *answer) error {
	var w struct {
		Status          text `json:"status"`
		PaymentIntentID text `json:"payment_intent_id"`
		Amount          sum  `json:"amount"`
		Currency        text `json:"currency"`
	}
	if err := a.decode(&w); err != nil {
		return err
	}
	if w.Status == "" {
		return missing("status")
	}
	*p = PaymentStatus{string(w.Status), string(w.PaymentIntentID), w.Amount.pointer(), string(w.Currency)}
	return nil
}

// PaymentStatus reads what became of a payment: after [ErrRequiresAction],
// after [ErrOutcomeUnknown] with a payment intent known, or to be sure. Limits:
// 120 a minute. API: GET /payments/{id}/status.
func (s *WalletService) PaymentStatus(ctx context.Context, paymentIntentID string, opts ...RequestOption) (*PaymentStatus, error) {
	if err := checkStripeID("paymentIntentID", paymentIntentID, "pi_", paymentIntentForm); err != nil {
		return nil, err
	}
	return call[PaymentStatus](ctx, s.c, paymentsStatus, input{param: "paymentIntentID", element: paymentIntentID}, opts)
}
