package modelslab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

func (b *Balance) decode(t *trip, a *answer) error {
	if err := t.saysNo(a); err != nil {
		return err
	}
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

// TransactionsParams chooses a page of transactions.
type TransactionsParams struct {
	Type   string // TransactionCredit, TransactionDebit, or both if empty
	Limit  int    // 1 to 200; 0: the server's default, 50
	Offset int    // how many to pass over
}

func (p TransactionsParams) input() input {
	in := input{query: url.Values{}, err: firstError(checkLimit("TransactionsParams.Limit", p.Limit), checkText("TransactionsParams.Type", p.Type))}
	if p.Offset < 0 {
		in.err = &ParamError{Param: "TransactionsParams.Offset", Value: strconv.Itoa(p.Offset), Reason: "must not be negative"}
	}
	if p.Type != "" {
		in.query.Set("type", p.Type)
	}
	if p.Limit > 0 {
		in.query.Set("limit", strconv.Itoa(p.Limit))
	}
	if p.Offset > 0 {
		in.query.Set("offset", strconv.Itoa(p.Offset))
	}
	return in
}

// Transaction is one movement of the wallet.
type Transaction struct {
	ID            ID        `json:"id"`
	Source        string    `json:"source"`         // "stripe"
	TransactionID string    `json:"transaction_id"` // "pi_…"
	Type          string    `json:"type"`           // "credit" or "debit"
	Amount        Amount    `json:"amount"`         // US dollars
	Status        string    `json:"status"`         // "success"
	UseCase       string    `json:"usecase"`        // "wallet_funding"
	Description   string    `json:"description,omitzero"`
	CreatedAt     Timestamp `json:"created_at"`

	ref string // an id that is no number
}

// TransactionPage is one page of transactions, presumably the newest first: the
// order is documented nowhere.
type TransactionPage struct {
	Items  []Transaction `json:"items"`
	Count  int           `json:"count"` // in this page
	Total  int           `json:"total"` // in all, as the server says; 0: not said
	Wallet WalletSummary `json:"wallet"`
}

// WalletSummary is the wallet as a page of transactions shows it, in US dollars.
// nil: not sent.
type WalletSummary struct {
	Balance       *Amount `json:"balance"`
	Currency      string  `json:"currency"`
	TotalCredited *Amount `json:"total_credited"`
	AmountUsed    *Amount `json:"amount_used"`
}

func (p *TransactionPage) decode(t *trip, a *answer) error {
	l, err := a.list(t.e.listName())
	if err != nil {
		return err
	}
	if p.Items, err = readElements[Transaction](&l); err != nil {
		return err
	}
	p.Count, p.Total = l.count, l.total
	if p.Count == 0 {
		p.Count = len(p.Items)
	}
	var w struct {
		Balance       maybe `json:"balance"`
		Currency      text  `json:"currency"`
		TotalCredited maybe `json:"total_credited"`
		AmountUsed    maybe `json:"amount_used"`
	}
	if wallet := l.side("wallet"); wallet != nil && decodeTolerant(wallet, &w) == nil {
		p.Wallet = WalletSummary{w.Balance.pointer(), string(w.Currency), w.TotalCredited.pointer(), w.AmountUsed.pointer()}
	}
	return nil
}

// read takes a transaction apart. Pages of them are long, and a walk over their
// members costs a third of what reflection does.
func (tx *Transaction) read(_ place, object []byte) (err error) {
	var amount sum
	for m := membersOf(object); m.next() && err == nil; {
		switch v := m.value; string(m.name) {
		case "id":
			if err = tx.ID.UnmarshalJSON(v); tx.ID == 0 {
				tx.ref = jsonText(v)
			}
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

// Transactions reads one page of the wallet's movements. Limits: 120 a minute,
// 200 a page. API: GET /wallet/transactions.
func (s *WalletService) Transactions(ctx context.Context, p TransactionsParams, opts ...RequestOption) (*TransactionPage, error) {
	return call[TransactionPage](ctx, s.c, walletTransactions, p.input(), opts)
}

// AllTransactions yields the wallet's movements from p.Offset on, asking for 200
// at a time unless Limit says otherwise. It begins anew each time it is ranged
// over, and ends with at most one error, last. API: GET /wallet/transactions.
func (s *WalletService) AllTransactions(ctx context.Context, p TransactionsParams, opts ...RequestOption) iter.Seq2[*Transaction, error] {
	if p.Limit == 0 {
		p.Limit = maxPage
	}
	return walk(func() func() ([]Transaction, bool, error) {
		w := transactionWalk{p: p, known: seen{}}
		return func() ([]Transaction, bool, error) {
			for {
				page, err := s.Transactions(ctx, w.p, opts...)
				if err != nil {
					return nil, false, err
				}
				news, more, err := w.take(page)
				if len(news) > 0 || !more || err != nil {
					return news, more, err
				}
			}
		}
	})
}

// transactionWalk goes through the pages.
type transactionWalk struct {
	p      TransactionsParams // of the next request
	known  seen
	before TransactionPage
	stale  int // pages in a row without anything new
	same   int // pages in a row that are alike
	pages  int
}

// maxStale is how many pages of nothing but old rows are taken for a wave of new
// rows that pushes them along.
const maxStale = 3

// take tells what is new in a page, and whether there can be more.
func (w *transactionWalk) take(page *TransactionPage) (news []Transaction, more bool, err error) {
	before := w.before
	w.before = *page
	w.p.Offset += len(page.Items)
	w.pages++
	news = fresh(w.known, page.Items, func(tx *Transaction) any { return tx.key(w.pages) })
	more = page.Total == 0 || w.p.Offset < page.Total
	repeats := len(page.Items) > 0 && slices.Equal(page.Items, before.Items)
	if w.same++; !repeats {
		w.same = 0
	}
	if w.same >= maxStale { // and what is on it cannot be told apart
		return nil, false, unreachable("transactions", "the server sends the same page again and again")
	}
	if len(news) > 0 || !more {
		w.stale = 0
		return news, more, nil
	}
	w.stale++
	// A page that merely repeats is that of a server which knows no offset, or of
	// one that begins anew behind its last page.
	pushed := len(page.Items) > 0 && page.Total > 0 && (page.Total != before.Total || !repeats)
	switch {
	case pushed && w.stale >= maxStale:
		return nil, false, unreachable("transactions", "new ones arrive faster than they can be read")
	case pushed:
		return nil, true, nil
	}
	return nil, false, nil
}

// key tells a transaction from another. One without an id is not known again on
// another page.
func (tx *Transaction) key(page int) any {
	type anonymous struct {
		Transaction
		page int
	}
	switch {
	case tx.ID != 0:
		return tx.ID
	case tx.ref != "":
		return tx.ref
	}
	return anonymous{*tx, page}
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
	Status          string  `json:"status"`            // "succeeded", also where only the new balance was sent
	PaymentIntentID string  `json:"payment_intent_id"` // "pi_…"; empty: not said
	Message         string  `json:"message"`           // the server's words
	Balance         *Amount `json:"balance"`           // US dollars after it; nil: not sent
}

func (f *Funding) decode(t *trip, a *answer) error {
	p := a.object()
	switch {
	case p == nil:
		return errNoData
	case p[0] != '{' || !json.Valid(p):
		return errUnreadable
	}
	var w paymentWords
	if err := w.read(p); err != nil {
		return err
	}
	if !w.said() && !w.page {
		return missing("payment.status") // an intent or a message alone is no payment
	}
	asked, _ := t.in.body.(WalletFundParams)
	if err := firstError(w.paid(a, moved), anotherAmount(a, w.amount(), asked.Amount)); err != nil {
		return err
	}
	*f = Funding{firstOf(w.word(), "succeeded"), w.intent, w.message, w.held.balance().pointer()}
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
// minute. API: POST /wallet/confirm-checkout.
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
		found: func(ctx context.Context, link *PaymentLink, refused *APIError) (*Funding, bool) {
			f, ok := s.credited(ctx, link, refused)
			if ok {
				s.c.foundPaid(ctx, link.SessionID, f.PaymentIntentID)
			}
			return f, ok
		},
	})
}

// WalletSetAutoFundingParams has the server fund the wallet by itself.
type WalletSetAutoFundingParams struct {
	AutoChargeAmount Amount `json:"auto_charge_amount"` // US dollars, $5 or more
	ChargeThreshold  Amount `json:"charge_threshold"`   // US dollars, $1 or more: charged when the balance falls below
}

// The documented minimums of auto-funding, in US dollars.
const (
	minAutoCharge      = 5
	minChargeThreshold = 1
)

func (p WalletSetAutoFundingParams) check() error {
	return firstError(checkLeast("WalletSetAutoFundingParams.AutoChargeAmount", p.AutoChargeAmount, minAutoCharge),
		checkLeast("WalletSetAutoFundingParams.ChargeThreshold", p.ChargeThreshold, minChargeThreshold))
}

func (p WalletSetAutoFundingParams) price() Amount { return p.AutoChargeAmount }

// AutoFunding is how the server funds the wallet by itself.
type AutoFunding struct {
	Enabled          bool   `json:"enabled"`
	AutoChargeAmount Amount `json:"auto_charge_amount"` // US dollars
	ChargeThreshold  Amount `json:"charge_threshold"`   // US dollars
	Message          string `json:"message"`            // the server's words
}

func (f *AutoFunding) decode(t *trip, a *answer) error {
	object, err := a.anything(t)
	if err != nil {
		return err
	}
	var w struct {
		Enabled          *flexBool `json:"enabled"`
		AutoChargeAmount sum       `json:"auto_charge_amount"`
		ChargeThreshold  sum       `json:"charge_threshold"`
	}
	if err := decodeTolerant(inside(object, "auto_funding"), &w); err != nil {
		return err
	}
	switch word := stateOf(member(object, "status")); {
	case word == failedState, word == "pending", word == "disabled", word == "inactive", word == "off", strings.HasPrefix(word, "requires_"):
		return unfinishedError(word)
	}
	if err := paidWords(a, done); err != nil {
		return err
	}
	asked, typed := t.in.body.(WalletSetAutoFundingParams)
	for _, sent := range [...]struct {
		sum
		asked Amount
	}{{w.AutoChargeAmount, asked.AutoChargeAmount}, {w.ChargeThreshold, asked.ChargeThreshold}} {
		if typed && sent.sent && sent.Amount != sent.asked {
			return fmt.Errorf("the server answers another request: $%s, not $%s", sent.Amount, sent.asked)
		}
	}
	if w.Enabled != nil && !bool(*w.Enabled) {
		return unfinishedError("not enabled")
	}
	*f = AutoFunding{true, asked.AutoChargeAmount, asked.ChargeThreshold, jsonText(member(object, "message"))}
	return nil
}

// SetAutoFunding has the server charge the account's default card by
// AutoChargeAmount whenever the balance falls below ChargeThreshold.
//
// SetAutoFunding is a standing order: money moves later, without a call, and at
// once where the balance is low already. It carries an idempotency key and is
// repeated with it; errors are those of [WalletService.Fund]. Limits: 15 a
// minute. API: PUT /wallet/auto-funding.
func (s *WalletService) SetAutoFunding(ctx context.Context, p WalletSetAutoFundingParams, opts ...RequestOption) (*AutoFunding, error) {
	return call[AutoFunding](ctx, s.c, walletSetAutoFunding, input{body: p}, opts)
}

// DisableAutoFunding ends what SetAutoFunding began. It carries an idempotency
// key and is repeated with it. Limits: 15 a minute. API: DELETE
// /wallet/auto-funding.
func (s *WalletService) DisableAutoFunding(ctx context.Context, opts ...RequestOption) error {
	return send(ctx, s.c, walletDisableAutoFunding, input{}, new(autoFundingOff), opts)
}

// autoFundingOff is an answer that must not say that it is still on.
type autoFundingOff struct{}

func (*autoFundingOff) decode(t *trip, a *answer) error {
	object, err := a.anything(t)
	if err != nil {
		return err
	}
	if truth(member(inside(object, "auto_funding"), "enabled")) {
		return unfinishedError("enabled")
	}
	// "inactive" and false are what was asked for; these are not.
	for _, word := range [...]string{jsonText(member(object, "status")), jsonText(member(a.body, "status"))} {
		switch strings.ToLower(word) {
		case failedState, "fail", "failure", "error", "declined", "denied", "rejected", "enabled", "active", "on":
			return unfinishedError(word)
		}
	}
	if saysFailed(object, false) || saysFailed(a.body, false) {
		return errSaysFailed
	}
	return nil
}

// WalletWithdrawParams takes money out of the wallet.
type WalletWithdrawParams struct {
	Amount Amount `json:"amount"` // US dollars, at most two decimals
}

func (p WalletWithdrawParams) check() error {
	return checkAmount("WalletWithdrawParams.Amount", p.Amount)
}
func (p WalletWithdrawParams) price() Amount { return p.Amount }

// Withdrawal is money on its way out of the wallet. Of the answer nothing is
// documented: all but the amount may be missing.
type Withdrawal struct {
	Status  string  `json:"status"` // the server's word; "pending" may stand for days
	Message string  `json:"message"`
	Amount  Amount  `json:"amount"`  // US dollars, as asked for
	Balance *Amount `json:"balance"` // US dollars after it; nil: not sent
}

func (r *Withdrawal) decode(t *trip, a *answer) error {
	object, err := a.anything(t)
	if err != nil {
		return err
	}
	var w paymentWords
	if err := firstError(w.read(object), w.readPayment(member(object, "withdrawal"))); err != nil {
		return err
	}
	asked, _ := t.in.body.(WalletWithdrawParams)
	if err := firstError(paidWords(a, leaving, w.state, w.status, w.paystate), anotherAmount(a, w.amount(), asked.Amount)); err != nil {
		return err
	}
	*r = Withdrawal{w.word(), w.message, asked.Amount, w.held.balance().pointer()}
	return nil
}

// leaving tells the words for money on its way out, which may take days.
func leaving(status string) bool {
	switch strings.ToLower(status) {
	case "pending", "processing", "requested", "approved", "in_transit", "queued", "initiated", "submitted", "accepted", "in_review", "withdrawn":
		return true
	}
	return done(status)
}

// Withdraw takes money out of the wallet. It is for resellers; anybody else is
// presumably [ErrPermissionDenied].
//
// Withdraw moves money. It carries an idempotency key and is repeated with it.
// Limits: 15 a minute. API: POST /wallet/withdraw.
func (s *WalletService) Withdraw(ctx context.Context, p WalletWithdrawParams, opts ...RequestOption) (*Withdrawal, error) {
	return call[Withdrawal](ctx, s.c, walletWithdraw, input{body: p}, opts)
}

// WalletValidateCouponParams asks what a coupon is worth.
type WalletValidateCouponParams struct {
	CouponCode     string `json:"coupon_code"`
	PurchaseAmount Amount `json:"purchase_amount,omitzero"` // US dollars; for coupons that add to a purchase
}

func (p WalletValidateCouponParams) check() error {
	return checkCoupon("WalletValidateCouponParams", p.CouponCode, p.PurchaseAmount)
}

func checkCoupon(params, code string, purchase Amount) error {
	if err := checkElement(params+".CouponCode", strings.ReplaceAll(code, "/", "")); err != nil {
		return err
	}
	if purchase.IsZero() {
		return nil
	}
	return checkAmount(params+".PurchaseAmount", purchase)
}

// Coupon is what a code is good for. Of the answer hardly anything is
// documented; more may be in [Response].Raw.
type Coupon struct {
	CouponCode string  `json:"coupon_code"`
	Type       string  `json:"type"`    // the server's word
	Valid      bool    `json:"valid"`   // false only where the server says so
	Amount     *Amount `json:"amount"`  // US dollars; nil: not sent
	Message    string  `json:"message"` // the server's words
}

func (c *Coupon) decode(t *trip, a *answer) error {
	object, err := a.anything(t)
	switch {
	case err != nil:
		return err
	case a.payload() == nil || a.shape != shapeObject:
		return errNoData // no word that it is valid
	}
	var w struct {
		CouponCode text  `json:"coupon_code"`
		Code       text  `json:"code"`
		Type       text  `json:"type"`
		Amount     maybe `json:"amount"`
	}
	if err := decodeTolerant(inside(object, "coupon"), &w); err != nil {
		return err
	}
	*c = Coupon{
		CouponCode: firstOf(string(w.CouponCode), string(w.Code)), Type: string(w.Type), Valid: true,
		Amount: w.Amount.pointer(), Message: jsonText(member(object, "message")),
	}
	// Any no wins, wherever it stands.
	for _, part := range [...][]byte{a.body, object, inside(object, "coupon")} {
		for m := membersOf(part); m.next(); {
			switch string(m.name) {
			case "valid", "is_valid", "success", "status", "data":
				no := saysNo(m.value) || jsonText(m.value) == "expired" || jsonText(m.value) == "used"
				c.Valid = c.Valid && !no
			}
		}
	}
	return nil
}

// ValidateCoupon asks what a coupon is worth, and changes nothing. A code that
// nobody knows is presumably [ErrValidation] or [ErrNotFound]. Where the server
// wants POST instead of GET, as its newer documentation has it, it is asked so.
// Limits: 120 a minute. API: GET /wallet/coupons/validate.
func (s *WalletService) ValidateCoupon(ctx context.Context, p WalletValidateCouponParams, opts ...RequestOption) (*Coupon, error) {
	in := input{query: url.Values{"coupon_code": {p.CouponCode}}, err: p.check()}
	if !p.PurchaseAmount.IsZero() {
		in.query.Set("purchase_amount", string(p.PurchaseAmount.appendJSON(nil)))
	}
	coupon, err := call[Coupon](ctx, s.c, walletValidateCoupon, in, opts)
	if api, ok := as[*APIError](err); ok && api.StatusCode == http.StatusMethodNotAllowed && strings.Contains(api.Header.Get("Allow"), post) {
		coupon, err = call[Coupon](ctx, s.c, walletValidateCouponByPost, input{body: p}, opts)
	}
	if err == nil {
		coupon.CouponCode = firstOf(coupon.CouponCode, p.CouponCode)
	}
	return coupon, err
}

// WalletRedeemCouponParams uses a coupon. A coupon that adds to a purchase needs
// the card and the amount of the purchase; any other needs neither.
type WalletRedeemCouponParams struct {
	CouponCode      string `json:"coupon_code"`
	PaymentMethodID string `json:"payment_method_id,omitzero"` // "pm_…", charged by PurchaseAmount
	PurchaseAmount  Amount `json:"purchase_amount,omitzero"`   // US dollars
}

func (p WalletRedeemCouponParams) check() error {
	const params = "WalletRedeemCouponParams"
	if err := checkCoupon(params, p.CouponCode, p.PurchaseAmount); err != nil {
		return err
	}
	switch {
	case p.PaymentMethodID == "" && p.PurchaseAmount.IsZero():
		return nil
	case p.PurchaseAmount.IsZero():
		return &ParamError{Param: params + ".PurchaseAmount", Value: p.PurchaseAmount.String(), Reason: "is needed with PaymentMethodID: it is what the card is charged"}
	}
	return checkPaymentMethod(params+".PaymentMethodID", p.PaymentMethodID)
}

func (p WalletRedeemCouponParams) price() Amount { return p.PurchaseAmount }

// CouponRedemption is a coupon that was used. Of the answer nothing is
// documented: anything may be missing.
type CouponRedemption struct {
	Status          string  `json:"status"`            // the server's word
	PaymentIntentID string  `json:"payment_intent_id"` // "pi_…", where a card was charged
	Message         string  `json:"message"`
	Amount          *Amount `json:"amount"`  // US dollars that the coupon gave; nil: not sent
	Balance         *Amount `json:"balance"` // US dollars after it; nil: not sent
}

func (r *CouponRedemption) decode(t *trip, a *answer) error {
	w, err := readPayment(t, a)
	if err != nil {
		return err
	}
	asked, _ := t.in.body.(WalletRedeemCouponParams)
	if err := anotherAmount(a, w.payment, asked.PurchaseAmount); err != nil {
		return err
	}
	if code := jsonText(member(a.object(), "coupon_code")); code != "" && asked.CouponCode != "" && code != asked.CouponCode && a.replayed() {
		return errors.New("the server answers another request: for another coupon")
	}
	if asked.PaymentMethodID != "" && !w.said() {
		return missing("payment.status") // a card was to be charged
	}
	*r = CouponRedemption{w.word(), w.intent, w.message, w.beside.pointer(), w.held.balance().pointer()}
	return nil
}

// RedeemCoupon uses a coupon: its worth is added to the wallet, and with a
// PaymentMethodID the card is charged by PurchaseAmount, which is added too.
//
// RedeemCoupon may move money. It carries an idempotency key and is repeated with
// it; errors are those of [WalletService.Fund]. Limits: 15 a minute. API: POST
// /wallet/coupons/redeem.
func (s *WalletService) RedeemCoupon(ctx context.Context, p WalletRedeemCouponParams, opts ...RequestOption) (*CouponRedemption, error) {
	return call[CouponRedemption](ctx, s.c, walletRedeemCoupon, input{body: p}, opts)
}

// PaymentStatus is what became of a payment.
type PaymentStatus struct {
	Status          string  `json:"status"`            // "succeeded", "pending", "failed", or a word of Stripe's
	PaymentIntentID string  `json:"payment_intent_id"` // "pi_…"
	Amount          *Amount `json:"amount"`            // US dollars; nil: not sent
	Currency        string  `json:"currency"`          // "usd"
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
	return call[PaymentStatus](ctx, s.c, paymentsStatus, input{
		param: "paymentIntentID", element: paymentIntentID, err: checkStripeID("paymentIntentID", paymentIntentID, "pi_", paymentIntentForm),
	}, opts)
}
