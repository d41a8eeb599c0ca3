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
	part string
	held bool
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
	funding, err := s.Fund(ctx, p, opts...)
	action, asked := as[*RequiresActionError](err)
	switch {
	case err == nil:
		st.Funding = funding
		return st, s.paidAlone(ctx, o.operation)
	case errors.Is(err, ErrOutcomeUnknown), !asked && !errors.Is(err, ErrPaymentDeclined):
		return nil, err
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
			append(opts[:len(opts):len(opts)], partOption{linkPart, asked}, WithResponse(&resp))...)
		if o.response != nil {
			*o.response = resp
		}
		if err != nil {
			return nil, errors.Join(err, st.Cause)
		}
		st.Link = link
		if resp.Attempts > 0 { // it was made just now
			return st, nil
		}
		settled, err := s.settleLink(ctx, o.operation)
		switch {
		case errors.Is(err, ErrPendingOperation): // another process is looking
			return st, nil
		case err != nil:
			return nil, err
		case settled.Status == Done:
			st.Funding, st.Link, st.Cause = &Funding{Status: "succeeded", PaymentIntentID: settled.PaymentIntentID, Message: "a human has paid"}, nil, nil
			return st, nil
		case settled.Status != Refused:
			return st, nil
		}
	}
	return st, nil
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
	case errors.Is(err, ErrValidation):
		return nil // there is no link
	case err != nil:
		return &OutcomeUnknownError{
			Operation: operation, Endpoint: billingPaymentLink.row().Name,
			Err: fmt.Errorf("the card has paid, and it cannot be read whether the payment link has as well: %w", err),
		}
	case settled.Status != Done:
		return nil // nobody has paid it
	}
	j, err := s.c.journal(ctx)
	if err != nil {
		return err
	}
	card, err := j.lookUp(ctx, PendingOperation{Operation: operation})
	if err != nil {
		return err
	}
	link, err := j.lookUp(ctx, PendingOperation{ID: operationID(operation) + "-" + linkPart})
	if err != nil {
		return err
	}
	if !card.paid() || !link.paid() {
		return nil
	}
	return paidTwice(card, link)
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
	// Either may have been paid while the other was.
	if _, ok := confirmed(ctx); ok {
		if err := s.settleCard(ctx, st.Operation); err != nil {
			return funding, err
		}
		return funding, s.paidAlone(ctx, st.Operation)
	}
	return funding, nil
}

// settleCard writes down what became of an operation's card.
func (s *WalletService) settleCard(ctx context.Context, operation string) error {
	_, err := s.c.Settle(ctx, PendingOperation{Operation: operation})
	return err
}
