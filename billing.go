package modelslab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/modelslab/modelslab-agents-go/internal/stripecard"
)

// BillingService handles cards, payment links, billing details and invoices.
// Documentation: docs.modelslab.com/agents-api/billing-and-wallet.
type BillingService struct{ c *Client }

// StripeConfig is what a client needs to talk to Stripe.
type StripeConfig struct {
	PublishableKey string `json:"publishable_key"` // "pk_live_…" or "pk_test_…"
	Instructions   string `json:"instructions"`
}

func (s *StripeConfig) decode(_ *trip, a *answer) error {
	var w struct {
		PublishableKey text `json:"publishable_key"`
		Instructions   text `json:"instructions"`
	}
	if err := a.decodeBeside(&w); err != nil {
		return err
	}
	if w.PublishableKey == "" {
		return missing("publishable_key")
	}
	if err := checkPublishableKey("publishable_key", string(w.PublishableKey)); err != nil {
		return err // it does not say what it was: it may be a secret key
	}
	*s = StripeConfig{string(w.PublishableKey), string(w.Instructions)}
	return nil
}

// StripeConfig reads Stripe's publishable key, which can change at any time.
// Limits: 120 a minute. API: GET /billing/stripe-config.
func (s *BillingService) StripeConfig(ctx context.Context, opts ...RequestOption) (*StripeConfig, error) {
	return call[StripeConfig](ctx, s.c, billingStripeConfig, input{}, opts)
}

// BillingOverview is the account's money at a glance. More may be in
// [Response].Raw: what the server sends here is hardly documented.
type BillingOverview struct {
	WalletBalance      *Amount         `json:"wallet_balance"` // US dollars, as all of these; nil: not sent
	Currency           string          `json:"currency"`
	TotalCharges       *Amount         `json:"total_charges"`
	TotalDeposits      *Amount         `json:"total_deposits"`
	InvoiceCount       int             `json:"invoice_count"`       // 0: none, or not sent
	ActiveSubscription *Subscription   `json:"active_subscription"` // nil: none, or not sent
	Subscriptions      []Subscription  `json:"subscriptions"`
	PaymentMethods     []PaymentMethod `json:"payment_methods"`
}

func (o *BillingOverview) decode(_ *trip, a *answer) error {
	m, err := a.facts()
	if err != nil {
		return err
	}
	var held holdings
	var charges, deposits maybe
	for m.next() && err == nil {
		v := m.value
		switch name := string(m.name); name {
		case "total_charges":
			err = charges.UnmarshalJSON(v)
		case "total_deposits":
			err = deposits.UnmarshalJSON(v)
		case "invoice_count", "invoices_count":
			o.InvoiceCount = jsonInt(v)
		case "active_subscription":
			o.ActiveSubscription, err = activeSubscription(v)
		case "subscriptions":
			o.Subscriptions, err = listIn[Subscription](v, name)
		case "payment_methods", "cards":
			o.PaymentMethods, err = listIn[PaymentMethod](v, name)
		default:
			_ = held.read(m.name, v) // it is beside the point here
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	o.WalletBalance, o.Currency = held.balance().pointer(), held.currency
	o.TotalCharges, o.TotalDeposits = charges.pointer(), deposits.pointer()
	return nil
}

// activeSubscription is an object, or the name of a plan.
func activeSubscription(v []byte) (*Subscription, error) {
	var sub Subscription
	if v[0] == '{' {
		if err := sub.read(place{}, v); err != nil || !sub.known() && sub.Status == "" && sub.PlanName == "" {
			return nil, err
		}
		return &sub, nil
	}
	if sub.PlanName = jsonText(v); sub.PlanName == "" {
		return nil, nil //nolint:nilnil // null: there is none
	}
	return &sub, nil
}

// Overview reads the account's money at a glance. Limits: 120 a minute. API: GET
// /billing/overview.
func (s *BillingService) Overview(ctx context.Context, opts ...RequestOption) (*BillingOverview, error) {
	return call[BillingOverview](ctx, s.c, billingOverview, input{}, opts)
}

// PaymentMethod is a card as Stripe or the API knows it.
type PaymentMethod struct {
	ID        string `json:"id"` // "pm_…"
	Brand     string `json:"brand"`
	Last4     string `json:"last4"`
	ExpMonth  int    `json:"exp_month"`
	ExpYear   int    `json:"exp_year"`
	IsDefault bool   `json:"is_default"`
	Livemode  bool   `json:"livemode"` // false: made with a test key, or not said
}

func (m *PaymentMethod) read(_ place, object []byte) error {
	type card struct {
		Brand    text    `json:"brand"`
		Last4    text    `json:"last4"`
		ExpMonth flexInt `json:"exp_month"`
		ExpYear  flexInt `json:"exp_year"`
	}
	var w struct {
		ID              text `json:"id"`
		PaymentMethodID text `json:"payment_method_id"`
		card
		Card      card     `json:"card"`
		IsDefault flexBool `json:"is_default"`
		Livemode  flexBool `json:"livemode"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	c := w.card
	if c == (card{}) {
		c = w.Card
	}
	*m = PaymentMethod{
		ID: string(w.ID), Brand: string(c.Brand), Last4: string(c.Last4), ExpMonth: int(c.ExpMonth), ExpYear: int(c.ExpYear),
		IsDefault: bool(w.IsDefault), Livemode: bool(w.Livemode),
	}
	if checkPaymentMethod("", m.ID) != nil { // a row's number
		m.ID = firstOf(string(w.PaymentMethodID), m.ID)
	}
	if len(m.Last4) > 4 {
		m.Last4 = "" // whatever it is, it is not to be shown
	}
	return nil
}

func (m *PaymentMethod) known() bool { return m.ID != "" }

func (m *PaymentMethod) decode(t *trip, a *answer) error {
	object, err := a.anything(t)
	if err != nil {
		return err
	}
	if err := m.read(place{}, inside(object, "payment_method")); err != nil {
		return err
	}
	// Its status is the card's own word; only these are the call's.
	if word := member(object, "status"); saysNo(word) || strings.HasPrefix(jsonText(word), "requires_") {
		return unfinishedError(jsonText(word))
	}
	if err := paidWords(a, done); err != nil {
		return err
	}
	if asked, ok := t.in.body.(BillingAttachPaymentMethodParams); ok && checkPaymentMethod("", m.ID) != nil {
		m.ID = asked.PaymentMethodID
	}
	return nil
}

// PaymentMethods lists the cards that are attached to the account. Limits: 120 a
// minute. API: GET /billing/payment-methods.
func (s *BillingService) PaymentMethods(ctx context.Context, opts ...RequestOption) ([]PaymentMethod, error) {
	return list[PaymentMethod](ctx, s.c, billingPaymentMethods, input{}, opts)
}

// BillingAttachPaymentMethodParams attaches a card.
type BillingAttachPaymentMethodParams struct {
	PaymentMethodID string `json:"payment_method_id"`     // "pm_…", from TokenizeCard or ConfirmSetupIntent
	MakeDefault     *bool  `json:"make_default,omitzero"` // nil: the server's default, true
}

func (p BillingAttachPaymentMethodParams) check() error {
	return checkPaymentMethod("BillingAttachPaymentMethodParams.PaymentMethodID", p.PaymentMethodID)
}

// AttachPaymentMethod keeps a card with the account, so that it can be charged
// again: by Fund and Create, and by the server itself for renewals and
// auto-funding. Of the answer nothing is documented: all but the ID may be
// missing. A card that is refused is a [PaymentDeclinedError]. No money moves. It
// carries an idempotency key and is repeated with it. Limits: 15 a minute. API:
// POST /billing/payment-methods.
func (s *BillingService) AttachPaymentMethod(ctx context.Context, p BillingAttachPaymentMethodParams, opts ...RequestOption) (*PaymentMethod, error) {
	return call[PaymentMethod](ctx, s.c, billingAttachPaymentMethod, input{body: p}, opts)
}

// byPaymentMethod is the input of a call about one card.
func byPaymentMethod(id string) input {
	return input{param: "id", element: id, err: checkPaymentMethod("id", id)}
}

// SetDefaultPaymentMethod makes an attached card ("pm_…") the one that the server
// charges by itself. It carries an idempotency key and is repeated with it.
// Limits: 15 a minute. API: PUT /billing/payment-methods/{id}/default.
func (s *BillingService) SetDefaultPaymentMethod(ctx context.Context, id string, opts ...RequestOption) error {
	return send(ctx, s.c, billingSetDefaultPaymentMethod, byPaymentMethod(id), nil, opts)
}

// DeletePaymentMethod takes a card ("pm_…") off the account. It carries an
// idempotency key and is repeated with it. Limits: 15 a minute. API: DELETE
// /billing/payment-methods/{id}.
func (s *BillingService) DeletePaymentMethod(ctx context.Context, id string, opts ...RequestOption) error {
	return send(ctx, s.c, billingDeletePaymentMethod, byPaymentMethod(id), nil, opts)
}

// SetupIntent is Stripe's leave to save a card without charging it.
type SetupIntent struct {
	SetupIntentID string `json:"setup_intent_id"` // "seti_…"
	ClientSecret  Secret `json:"client_secret"`   // for Stripe alone
	Status        string `json:"status"`          // Stripe's word
	Instructions  string `json:"instructions"`
}

func (i *SetupIntent) decode(_ *trip, a *answer) error {
	var w struct {
		SetupIntentID text `json:"setup_intent_id"`
		ID            text `json:"id"`
		ClientSecret  text `json:"client_secret"`
		Status        text `json:"status"`
		Instructions  text `json:"instructions"`
	}
	if err := a.decode(&w); err != nil {
		return err
	}
	secret := string(w.ClientSecret)
	// The secret begins with the id.
	id := firstOf(string(w.SetupIntentID), string(w.ID), setupIntentInSecret.FindString(secret))
	switch {
	case checkStripeID("", id, "seti_", setupIntentForm) != nil:
		return missing("setup_intent_id")
	case checkCredential("", secret) != nil:
		return missing("client_secret")
	}
	*i = SetupIntent{id, NewSecret(secret), string(w.Status), scrubText(string(w.Instructions))}
	return nil
}

var setupIntentInSecret = regexp.MustCompile(`^seti_[A-Za-z0-9]+`)

// CreateSetupIntent asks for leave to save a card without charging it; give it
// to ConfirmSetupIntent. It carries an idempotency key and is repeated with it.
// Limits: 15 a minute. API: POST /billing/setup-intent.
func (s *BillingService) CreateSetupIntent(ctx context.Context, opts ...RequestOption) (*SetupIntent, error) {
	return call[SetupIntent](ctx, s.c, billingSetupIntent, input{}, opts)
}

// ConfirmSetupIntent gives a card to Stripe for a setup intent and returns its
// PaymentMethod, for [BillingService.AttachPaymentMethod]: of the card only what
// the caller gave is known. What [BillingService.TokenizeCard] says of the card
// holds here too. No money moves.
//
// A card that asks for its holder is a [RequiresActionError], one that is refused
// a [PaymentDeclinedError].
//
// Stripe: POST /v1/setup_intents/{id}/confirm.
func (s *BillingService) ConfirmSetupIntent(ctx context.Context, intent *SetupIntent, card Card, opts ...RequestOption) (*PaymentMethod, error) {
	if intent == nil {
		return nil, &ParamError{Param: "intent", Reason: "nil"}
	}
	id, secret := intent.SetupIntentID, intent.ClientSecret
	if err := firstError(checkStripeID("intent.SetupIntentID", id, "seti_", setupIntentForm), checkNotEmpty("intent.ClientSecret", secret)); err != nil {
		return nil, err
	}
	return s.giveCard(ctx, card, opts, stripeRoute{"ConfirmSetupIntent", "stripe:/v1/setup_intents/{id}/confirm",
		func(ctx context.Context, stripe *stripecard.Client, pk string, card stripecard.Card, key string) (stripeResult, error) {
			made, err := stripe.ConfirmSetupIntent(ctx, pk, id, secret.Reveal(), card, key)
			if err != nil {
				return stripeResult{}, err
			}
			return stripeResult{PaymentMethod{
				ID: made.PaymentMethodID, Last4: card.Number[len(card.Number)-4:], ExpMonth: card.ExpMonth, ExpYear: card.ExpYear, Livemode: made.Livemode,
			}, made.Status, made.RequestID}, nil
		}})
}

// What a payment link is for.
const (
	PurposeFund      = "fund"
	PurposeSubscribe = "subscribe"
)

// PaymentLinkParams asks for a page where a human pays.
type PaymentLinkParams struct {
	Purpose string `json:"purpose"`          // PurposeFund or PurposeSubscribe
	Amount  Amount `json:"amount,omitzero"`  // US dollars; for PurposeFund
	PlanID  ID     `json:"plan_id,omitzero"` // for PurposeSubscribe
}

func (p PaymentLinkParams) check() error {
	switch p.Purpose {
	case PurposeFund:
		if p.PlanID != 0 {
			return &ParamError{Param: "PaymentLinkParams.PlanID", Value: itoa(int64(p.PlanID)), Reason: "has no place in a link that funds the wallet"}
		}
		return checkAmount("PaymentLinkParams.Amount", p.Amount)
	case PurposeSubscribe:
		if !p.Amount.IsZero() {
			return &ParamError{Param: "PaymentLinkParams.Amount", Value: p.Amount.String(), Reason: "has no place in a link that subscribes: the plan has its price"}
		}
		return checkID("PaymentLinkParams.PlanID", p.PlanID)
	}
	return &ParamError{Param: "PaymentLinkParams.Purpose", Value: p.Purpose, Reason: `must be "fund" or "subscribe"`}
}

func (p PaymentLinkParams) price() Amount { return p.Amount }

// PaymentLink is a page of Stripe Checkout where a human pays. Keep the
// SessionID before you show the URL: it is what [WalletService.AwaitCheckout]
// and [SubscriptionsService.AwaitCheckout] need after a restart.
type PaymentLink struct {
	PaymentURL   string     `json:"payment_url"`
	SessionID    string     `json:"session_id"` // "cs_…"
	Purpose      string     `json:"purpose"`
	Amount       Amount     `json:"amount,omitzero"` // US dollars; of a link that funds
	PlanID       ID         `json:"plan_id,omitzero"`
	ExpiresAt    *Timestamp `json:"expires_at,omitzero"` // nil: not said
	Instructions string     `json:"instructions,omitzero"`
}

type paymentLinkWire struct {
	PaymentURL   text      `json:"payment_url"`
	CheckoutURL  text      `json:"checkout_url"`
	URL          text      `json:"url"`
	SessionID    text      `json:"session_id"`
	Purpose      text      `json:"purpose"`
	ExpiresAt    Timestamp `json:"expires_at"`
	Instructions text      `json:"instructions"`
	Message      text      `json:"message"`
}

var sessionInURL = regexp.MustCompile(`cs_(?:live|test)_[A-Za-z0-9]+`)

func (l *PaymentLink) decode(t *trip, a *answer) error {
	var w paymentLinkWire
	if err := a.decodeBeside(&w); err != nil {
		return err
	}
	url := firstOf(string(w.PaymentURL), string(w.CheckoutURL), string(w.URL))
	if url == "" {
		return missing("payment_url")
	}
	if hasControl(url) {
		return errors.New("the payment URL holds a control character")
	}
	id := firstOf(string(w.SessionID), sessionInURL.FindString(url))
	if checkSession("session_id", id) != nil {
		return missing("session_id")
	}
	*l = PaymentLink{PaymentURL: url, SessionID: id, Purpose: string(w.Purpose), Instructions: firstOf(string(w.Instructions), string(w.Message))}
	l.ExpiresAt = w.ExpiresAt.pointer()
	// What was asked for is surer than what is echoed.
	switch p := t.in.body.(type) {
	case PaymentLinkParams:
		l.Purpose, l.Amount, l.PlanID = p.Purpose, p.Amount, p.PlanID
	case WalletFundCheckoutParams:
		l.Purpose, l.Amount = PurposeFund, p.Amount
	case SubscriptionCheckoutParams:
		l.Purpose, l.PlanID = PurposeSubscribe, p.PlanID
	}
	return nil
}

// CreatePaymentLink makes a page where a human pays: the way for agents without
// a card, and after [ErrRequiresAction]. No money moves until the human has
// paid; wait for that with AwaitCheckout of the wallet or the subscriptions.
//
// It carries an idempotency key and is repeated with it. Amounts are US dollars
// with at most two decimals; the least that the server takes ($10 or more) is
// its own to say. Limits: 15 a minute. API: POST /billing/payment-link.
func (s *BillingService) CreatePaymentLink(ctx context.Context, p PaymentLinkParams, opts ...RequestOption) (*PaymentLink, error) {
	return call[PaymentLink](ctx, s.c, billingPaymentLink, input{body: p}, opts)
}

// BillingInfo is what invoices are made out to.
type BillingInfo struct {
	Name              string `json:"name"`
	Email             string `json:"email"`
	TaxID             string `json:"tax_id"`
	TaxIDType         string `json:"tax_id_type"` // Stripe's word: "eu_vat", "us_ein", …
	AddressLine1      string `json:"address_line1"`
	AddressLine2      string `json:"address_line2"`
	AddressCity       string `json:"address_city"`
	AddressState      string `json:"address_state"`
	AddressPostalCode string `json:"address_postal_code"`
	AddressCountry    string `json:"address_country"`
}

func (i *BillingInfo) decode(t *trip, a *answer) error {
	object, err := a.anything(t)
	if err != nil {
		return err
	}
	object = inside(object, "billing_info", "info")
	if t.e.Repeat == RepeatSafe && onlyWords(object) {
		return missing("name")
	}
	// The address stands flat, or in an object as at Stripe.
	for _, part := range [...]struct {
		prefix string
		object []byte
	}{{"", object}, {"address_", member(object, "address")}} {
		for m := membersOf(part.object); m.next(); {
			if field := i.field(part.prefix + string(m.name)); field != nil {
				*field = firstOf(*field, jsonText(m.value))
			}
		}
	}
	if !json.Valid(object) {
		return errUnreadable
	}
	return nil
}

// field is where a member of the answer belongs; nil: nowhere.
func (i *BillingInfo) field(name string) *string {
	return map[string]*string{
		"name": &i.Name, "email": &i.Email, "tax_id": &i.TaxID, "tax_id_type": &i.TaxIDType,
		"address_line1": &i.AddressLine1, "address_line2": &i.AddressLine2, "address_city": &i.AddressCity,
		"address_state": &i.AddressState, "address_postal_code": &i.AddressPostalCode, "address_country": &i.AddressCountry,
	}[name]
}

// Info reads what invoices are made out to. Limits: 120 a minute. API: GET
// /billing/info.
func (s *BillingService) Info(ctx context.Context, opts ...RequestOption) (*BillingInfo, error) {
	return call[BillingInfo](ctx, s.c, billingInfo, input{}, opts)
}

// BillingUpdateInfoParams changes what invoices are made out to. Fields that are
// nil stay as they are.
type BillingUpdateInfoParams struct {
	Name              *string `json:"name,omitzero"`
	Email             *string `json:"email,omitzero"`
	TaxID             *string `json:"tax_id,omitzero"`      // not without TaxIDType
	TaxIDType         *string `json:"tax_id_type,omitzero"` // Stripe's word: "eu_vat", "us_ein", …
	AddressLine1      *string `json:"address_line1,omitzero"`
	AddressLine2      *string `json:"address_line2,omitzero"`
	AddressCity       *string `json:"address_city,omitzero"`
	AddressState      *string `json:"address_state,omitzero"`
	AddressPostalCode *string `json:"address_postal_code,omitzero"`
	AddressCountry    *string `json:"address_country,omitzero"` // two letters, as Stripe wants it
}

func (p BillingUpdateInfoParams) check() error {
	if p.TaxID != nil && *p.TaxID != "" && (p.TaxIDType == nil || *p.TaxIDType == "") {
		return &ParamError{Param: "BillingUpdateInfoParams.TaxIDType", Reason: `is needed with TaxID: a word of Stripe's, such as "eu_vat"`}
	}
	if p.Email != nil && *p.Email != "" {
		if err := checkEmail("BillingUpdateInfoParams.Email", *p.Email); err != nil {
			return err
		}
	}
	if p == (BillingUpdateInfoParams{}) {
		return checkSome("BillingUpdateInfoParams")
	}
	return nil
}

// UpdateInfo changes what invoices are made out to, and returns it as far as the
// server sends it back. It carries an idempotency key and is repeated with it.
// Limits: 15 a minute. API: PUT /billing/info.
func (s *BillingService) UpdateInfo(ctx context.Context, p BillingUpdateInfoParams, opts ...RequestOption) (*BillingInfo, error) {
	return call[BillingInfo](ctx, s.c, billingUpdateInfo, input{body: p}, opts)
}

// Invoice is a bill.
type Invoice struct {
	ID          string    `json:"id"` // "in_…", or a number
	Number      string    `json:"number"`
	Amount      *Amount   `json:"amount"` // US dollars; nil: not sent
	Currency    string    `json:"currency"`
	Status      string    `json:"status"` // "paid", …
	Description string    `json:"description"`
	CreatedAt   Timestamp `json:"created_at"`
}

func (i *Invoice) read(_ place, object []byte) error {
	var w struct {
		ID          text      `json:"id"`
		InvoiceID   text      `json:"invoice_id"`
		Number      text      `json:"number"`
		Amount      maybe     `json:"amount"`
		Currency    text      `json:"currency"`
		Status      text      `json:"status"`
		Description text      `json:"description"`
		CreatedAt   Timestamp `json:"created_at"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*i = Invoice{
		firstOf(string(w.ID), string(w.InvoiceID)), string(w.Number), w.Amount.pointer(), string(w.Currency), string(w.Status),
		string(w.Description), w.CreatedAt,
	}
	return nil
}

func (i *Invoice) known() bool { return i.ID != "" || i.Number != "" }

func (i *Invoice) decode(_ *trip, a *answer) error {
	object := inside(a.object(), "invoice")
	if object == nil {
		return errNoData
	}
	if err := i.read(place{}, object); err != nil {
		return err
	}
	if i.ID == "" {
		return missing("id")
	}
	return nil
}

// Invoices lists the account's bills. Limits: 120 a minute. API: GET
// /billing/invoices.
func (s *BillingService) Invoices(ctx context.Context, opts ...RequestOption) ([]Invoice, error) {
	return list[Invoice](ctx, s.c, billingInvoices, input{}, opts)
}

// Invoice reads one bill. One that does not exist is [ErrNotFound]. Limits: 120 a
// minute. API: GET /billing/invoices/{id}.
func (s *BillingService) Invoice(ctx context.Context, id string, opts ...RequestOption) (*Invoice, error) {
	return call[Invoice](ctx, s.c, billingInvoice, input{param: "id", element: id}, opts)
}

// InvoiceLinks are pages and files of a bill; at least one of them is there. They
// are links of the vendor's or Stripe's: whoever has one can see the bill.
type InvoiceLinks struct {
	URL              string `json:"url"`
	PDFURL           string `json:"pdf_url"`
	InvoicePDF       string `json:"invoice_pdf"`
	ReceiptURL       string `json:"receipt_url"`
	HostedInvoiceURL string `json:"hosted_invoice_url"`
}

func (l *InvoiceLinks) decode(_ *trip, a *answer) error {
	var w struct {
		URL              text `json:"url"`
		PDFURL           text `json:"pdf_url"`
		InvoicePDF       text `json:"invoice_pdf"`
		ReceiptURL       text `json:"receipt_url"`
		HostedInvoiceURL text `json:"hosted_invoice_url"`
	}
	if err := a.decodeBeside(&w); err != nil {
		return err
	}
	if inner := inside(a.object(), "links", "invoice"); len(inner) > 0 {
		if err := decodeTolerant(inner, &w); err != nil {
			return err
		}
	}
	*l = InvoiceLinks{string(w.URL), string(w.PDFURL), string(w.InvoicePDF), string(w.ReceiptURL), string(w.HostedInvoiceURL)}
	if *l == (InvoiceLinks{}) {
		if l.URL = jsonText(member(a.body, "url")); l.URL == "" {
			return missing("url")
		}
	}
	return nil
}

// InvoiceLinks reads where a bill can be seen. The answer is links, not a PDF.
// Limits: 120 a minute. API: GET /billing/invoices/{id}/pdf.
func (s *BillingService) InvoiceLinks(ctx context.Context, id string, opts ...RequestOption) (*InvoiceLinks, error) {
	return call[InvoiceLinks](ctx, s.c, billingInvoiceLinks, input{param: "id", element: id}, opts)
}
