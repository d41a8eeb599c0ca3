package modelslab

import (
	"context"
	"errors"
	"fmt"
)

// A funding that may need a human: the saved card first, and where that does not
// do, a page to pay on. Both are one operation to its owner.

// FundState is where a funding is that may need a human: paid, or waiting for one
// at Link.
type FundState struct {
	Operation string       // its name
	Funding   *Funding     // nil: not paid yet
	Link      *PaymentLink // where a human can pay; nil: there is no need
	Cause     error        // why the card did not do: a PaymentDeclinedError or a RequiresActionError
}

// linkPart is the part of an operation that is its payment link.
const linkPart = "link"

// partOption makes a call a part of an operation that its owner has allowed as a
// whole. held: another part of it still holds the sum.
type partOption struct {
	part   string
	held   bool
	asked  bool // the owner, by this very call
	looked bool // whether the link was paid, likewise
}

func (p partOption) apply(o *callOptions) error {
	o.part = p
	return nil
}

// FundOrLink charges a saved card, and where it is declined or asks for its holder
// makes a payment link of the same amount for a human. It needs [WithOperation]:
// called again under the same name, also after a restart, it goes on where it was,
// with the same link as long as that can be paid, and answers with the funding
// once either was paid. [WalletService.AwaitFund] waits for the human.
//
// The owner's policies are asked once for the whole. After [ErrOutcomeUnknown] no
// link is made: the card may have been charged. Where the holder has confirmed the
// card's payment and the link was paid too, it is a [PaidTwiceError], and both are
// in the ledger. Other errors are those of [WalletService.Fund]. Limits: 15 a
// minute. API: POST /wallet/fund, then POST /billing/payment-link.
func (s *WalletService) FundOrLink(ctx context.Context, p WalletFundParams, opts ...RequestOption) (*FundState, error) {
	var o callOptions
	if err := o.apply(opts); err != nil {
		return nil, err
	}
	if o.operation == "" {
		return nil, &ParamError{Param: "FundOrLink", Reason: "needs WithOperation: after a restart the name finds the link again"}
	}
	if p.PaymentMethodID == "" {
		return nil, &ParamError{Param: "WalletFundParams.PaymentMethodID", Reason: "is needed; without a card use Billing.CreatePaymentLink"}
	}
	st := &FundState{Operation: o.operation}
	looked, err := s.linkBefore(ctx, o.operation)
	switch {
	case err != nil:
		return nil, err
	case looked != nil && looked.Status == Done: // the card must not be charged for it any more
		st.Funding = paidByLink(looked)
		return st, nil
	}
	var carded Response
	funding, err := s.Fund(ctx, p, append(opts[:len(opts):len(opts)], WithResponse(&carded), partOption{looked: looked != nil})...)
	if o.response != nil {
		*o.response = carded
	}
	action, asked := as[*RequiresActionError](err)
	switch {
	case err == nil:
		st.Funding = funding
		return st, s.paidAlone(ctx, o.operation)
	case errors.Is(err, ErrOutcomeUnknown), !asked && !errors.Is(err, ErrPaymentDeclined):
		return nil, err
	case !asked:
		if err := s.isRefused(ctx, o.operation, err); err != nil {
			return nil, err
		}
	case asked && action.PaymentIntentID != "":
		// Its holder may have confirmed it in this very moment.
		if status, err := s.PaymentStatus(ctx, action.PaymentIntentID); err == nil && status.Succeeded() {
			if st.Funding, err = s.Fund(ctx, p, opts...); err != nil {
				return nil, err
			}
			return st, s.paidAlone(ctx, o.operation)
		}
	}
	st.Cause = err
	for range 2 { // the second time in the place of one that nobody has paid in its time
		var resp Response
		link, err := s.c.Billing.CreatePaymentLink(ctx, PaymentLinkParams{Purpose: PurposeFund, Amount: p.Amount},
			append(opts[:len(opts):len(opts)], partOption{part: linkPart, held: asked, asked: carded.Attempts > 0}, WithResponse(&resp))...)
		if o.response != nil {
			*o.response = resp
		}
		if err != nil {
			return nil, errors.Join(err, st.Cause)
		}
		st.Link = link
		if resp.Attempts > 0 || looked != nil && looked.Status == ActionRequired { // it was made, or looked at, just now
			return st, nil
		}
		settled, err := s.settleLink(ctx, o.operation)
		switch {
		case errors.Is(err, ErrPendingOperation): // another process is looking
			return st, nil
		case err != nil:
			return nil, err
		case settled.Status == Done:
			st.Funding, st.Link, st.Cause = paidByLink(settled), nil, nil
			return st, nil
		case settled.Status != Refused:
			return st, nil
		}
	}
	return st, nil
}

// linkOf is the link that was made in the place of an operation's card; nil: none
// was. paid, if there is one that was.
func (j *journal) linkOf(ctx context.Context, b *book, q *inquiry) (link *entry, err error) {
	if q.name == "" || q.endpoint != walletFund.row().Name {
		return nil, nil //nolint:nilnil // it has no link
	}
	id := q.id + "-" + linkPart
	kept, _, err := j.past(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, tries := range [...][]*entry{kept, b.Ops} {
		for _, r := range tries {
			if r.ID == id && (link == nil || r.paid() || r.open() && !link.paid()) {
				link = r
			}
		}
	}
	return link, nil
}

// notPaidByLink makes sure that no card is charged for what a human has paid at
// the link.
func (j *journal) notPaidByLink(ctx context.Context, b *book, q *inquiry) error {
	link, err := j.linkOf(ctx, b, q)
	if err != nil || link == nil || !link.paid() {
		return err
	}
	return q.paidAtLink()
}

// paidAtLink is the error of a card that must not be charged any more.
func (q *inquiry) paidAtLink() error {
	return fmt.Errorf("%w: operation %q was paid at its payment link, which Wallet.FundOrLink answers with; nothing was sent", ErrOperationMismatch, clean(q.name, maxValueText))
}

// lookAtLink finds out whether somebody has paid a link that was made in the place
// of a card, before a card is charged.
func (c *Client) lookAtLink(ctx context.Context, link *entry) error {
	if _, err := c.Settle(ctx, PendingOperation{ID: link.ID}); err != nil {
		return cannotTell(link.Name, "it cannot be read whether the payment link was paid, and no card was charged", err)
	}
	return nil
}

// isRefused makes sure that a declined card was not charged before by a sending
// that had no answer.
func (s *WalletService) isRefused(ctx context.Context, operation string, declined error) error {
	card, err := s.cardOf(ctx, operation)
	if err != nil || card.ID == "" || !card.open() {
		return err
	}
	return &OutcomeUnknownError{Operation: operation, Endpoint: walletFund.row().Name, IdempotencyKey: card.Key, Amount: card.Amount, Err: declined}
}

// paidByLink is the funding that a human has paid.
func paidByLink(s *Settlement) *Funding {
	return &Funding{Status: "succeeded", PaymentIntentID: s.PaymentIntentID, Message: "a human has paid"}
}

// linkBefore is what became of the link that was made in the place of a card that
// was refused, if there is one: before that card, or another one, is charged.
func (s *WalletService) linkBefore(ctx context.Context, operation string) (*Settlement, error) {
	card, err := s.cardOf(ctx, operation)
	switch {
	case err != nil:
		return nil, err
	case card.paid():
		return nil, nil //nolint:nilnil // it is not sent anew
	}
	settled, err := s.settleLink(ctx, operation)
	switch {
	case notInJournal(err):
		return nil, nil //nolint:nilnil // there is no link
	case err != nil:
		return nil, cannotTell(operation, "it cannot be read whether the payment link was paid, and no card was charged", err)
	}
	return settled, nil
}

// settleLink finds out whether an operation's link was paid.
func (s *WalletService) settleLink(ctx context.Context, operation string) (*Settlement, error) {
	return s.c.Settle(ctx, PendingOperation{ID: operationID(operation) + "-" + linkPart})
}

// paidAlone reports an operation whose card and link were both paid, or may have
// been.
func (s *WalletService) paidAlone(ctx context.Context, operation string) error {
	settled, err := s.settleLink(ctx, operation)
	if errors.Is(err, ErrOutcomeUnknown) {
		settled, err = s.settleLink(ctx, operation) // its answer was lost, and can be read
	}
	switch {
	case notInJournal(err):
		return nil // there is no link
	case err != nil:
		return cannotTell(operation, "the card has paid, and it cannot be read whether the payment link has as well", err)
	case settled.Status != Done:
		return nil // nobody has paid it
	}
	j, err := s.c.journal(ctx)
	if err != nil {
		return cannotTell(operation, bothPerhaps, err)
	}
	card, err := j.lookUp(ctx, PendingOperation{Operation: operation})
	if err != nil {
		return cannotTell(operation, bothPerhaps, err)
	}
	link, err := j.lookUp(ctx, PendingOperation{ID: operationID(operation) + "-" + linkPart})
	if err != nil {
		return cannotTell(operation, bothPerhaps, err)
	}
	if !card.paid() || !link.paid() {
		return nil
	}
	return paidTwice(card, link)
}

const bothPerhaps = "card and payment link may both have paid, and it cannot be read whether they have"

// cannotTell is the error of an operation of which one part is known and another
// is not.
func cannotTell(operation, what string, err error) error {
	return &OutcomeUnknownError{Operation: operation, Endpoint: billingPaymentLink.row().Name, Err: fmt.Errorf("%s: %w", what, err)}
}

// AwaitFund waits until a human has paid what FundOrLink left to them: the link, or
// the card's own confirmation. It polls as [WalletService.AwaitCheckout] does and
// ends like it. ctx ends the waiting, not the link: after a restart FundOrLink
// under the same name finds it again. Where both were paid, the error is a
// [PaidTwiceError].
func (s *WalletService) AwaitFund(ctx context.Context, st *FundState, p AwaitParams, opts ...RequestOption) (*Funding, error) {
	switch {
	case st == nil:
		return nil, &ParamError{Param: "FundState", Reason: "nil"}
	case st.Funding != nil:
		return st.Funding, nil
	case st.Link == nil || st.Operation == "":
		return nil, &ParamError{Param: "FundState", Reason: "has no link to wait for: it comes from FundOrLink"}
	}
	intent := ""
	if action, ok := as[*RequiresActionError](st.Cause); ok {
		intent = action.PaymentIntentID
	}
	confirmed := func(ctx context.Context) (*Funding, bool) {
		if intent == "" {
			return nil, false
		}
		status, err := s.PaymentStatus(ctx, intent)
		if err != nil || !status.Succeeded() {
			return nil, false
		}
		return &Funding{Status: status.Status, PaymentIntentID: intent, Message: "its holder has confirmed the card's payment"}, true
	}
	funding, err := await(ctx, st.Link, p, opts, awaiting[Funding]{
		purpose:  PurposeFund,
		endpoint: walletConfirmCheckout,
		confirm:  s.ConfirmCheckout,
		found: func(ctx context.Context, link *PaymentLink, refused *APIError) (*Funding, bool) {
			if f, ok := s.credited(ctx, link, refused); ok {
				if err := s.c.settlesSession(ctx, link.SessionID, f.PaymentIntentID); err == nil {
					return f, true
				}
			}
			return confirmed(ctx)
		},
	})
	if err != nil {
		return nil, err
	}
	// Either may have been paid while the other was, or another card.
	card, err := s.cardOf(ctx, st.Operation)
	switch {
	case err != nil:
		return funding, cannotTell(st.Operation, bothPerhaps, err)
	case card.paid():
		return funding, s.paidAlone(ctx, st.Operation)
	}
	if _, ok := confirmed(ctx); ok {
		if err := s.settleCard(ctx, st.Operation); err != nil {
			return funding, cannotTell(st.Operation, bothPerhaps, err)
		}
		return funding, s.paidAlone(ctx, st.Operation)
	}
	return funding, nil
}

// cardOf is what is written down of an operation's card.
func (s *WalletService) cardOf(ctx context.Context, operation string) (*entry, error) {
	j, err := s.c.journal(ctx)
	if err != nil {
		return nil, err
	}
	card, err := j.lookUp(ctx, PendingOperation{Operation: operation})
	if notInJournal(err) {
		return &entry{}, nil
	}
	return card, err
}

// settleCard writes down what became of an operation's card.
func (s *WalletService) settleCard(ctx context.Context, operation string) error {
	_, err := s.c.Settle(ctx, PendingOperation{Operation: operation})
	return err
}
