package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// billing is a client, and what the example does with it.
type billing struct {
	*modelslab.Client
	out     io.Writer
	saved   string // the card
	before  string // the card that was the default
	ordered bool   // auto-funding may be on
}

func (b *billing) say(step, format string, values ...any) {
	fmt.Fprintf(b.out, "%-14s%s\n", step, fmt.Sprintf(format, values...))
}

func (b *billing) all(ctx context.Context, card modelslab.Card, coupon string) error {
	if err := b.save(ctx, card); err != nil {
		return err
	}
	if err := b.fund(ctx); err != nil {
		return err
	}
	if coupon != "" {
		if err := b.redeem(ctx, coupon); err != nil {
			return err
		}
	}
	return b.invoices(ctx)
}

// save has Stripe keep the card for later. Nothing is charged, and only Stripe sees it.
func (b *billing) save(ctx context.Context, card modelslab.Card) error {
	cards, err := b.Billing.PaymentMethods(ctx)
	if err != nil {
		return err
	}
	for _, c := range cards {
		if c.IsDefault {
			b.before = c.ID
		}
	}
	intent, err := b.Billing.CreateSetupIntent(ctx)
	if err != nil {
		return err
	}
	method, err := b.Billing.ConfirmSetupIntent(ctx, intent, card)
	if err != nil {
		return err
	}
	b.saved = method.ID // before the answer is known: it may be lost
	_, err = b.Billing.AttachPaymentMethod(ctx, modelslab.BillingAttachPaymentMethodParams{
		PaymentMethodID: method.ID, MakeDefault: modelslab.Ptr(false),
	})
	if err != nil {
		return err
	}
	b.say("card", "the one ending in %s is saved, and nothing was charged", method.Last4)
	if err := b.Billing.SetDefaultPaymentMethod(ctx, method.ID); err != nil {
		return err
	}
	cards, err = b.Billing.PaymentMethods(ctx)
	for _, c := range cards {
		b.say("", "%s %s, %02d/%d, default: %v", c.Brand, c.Last4, c.ExpMonth, c.ExpYear, c.IsDefault)
	}
	return err
}

// fund orders money for the day when the wallet runs low, and brings that day about.
func (b *billing) fund(ctx context.Context) error {
	b.ordered = true // whatever becomes of the call
	order, err := b.Wallet.SetAutoFunding(ctx, modelslab.WalletSetAutoFundingParams{
		AutoChargeAmount: modelslab.Dollars(10), ChargeThreshold: modelslab.Dollars(5),
	})
	if err != nil {
		return err
	}
	b.say("auto-funding", "$%s whenever the wallet holds less than $%s", order.AutoChargeAmount, order.ChargeThreshold)
	before, err := b.Wallet.Balance(ctx)
	if err != nil {
		return err
	}
	balances := []string{"$" + before.Balance.String()}
	for range 3 {
		job, err := b.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{ModelID: "flux", Prompt: "a lighthouse in the fog"})
		if err != nil {
			return err
		}
		if _, err = b.Generation.Wait(ctx, job, modelslab.WaitParams{}); err != nil {
			return err
		}
		now, err := b.Wallet.Balance(ctx)
		if err != nil {
			return err
		}
		balances = append(balances, "$"+now.Balance.String())
	}
	b.say("three images", "the wallet held %s", strings.Join(balances, ", then "))
	for tx, err := range b.Wallet.AllTransactions(ctx, modelslab.TransactionsParams{Type: modelslab.TransactionCredit}) {
		if err != nil {
			return err
		}
		b.say("", "credited last: $%s, %s", tx.Amount, tx.Description)
		break
	}
	return nil
}

func (b *billing) redeem(ctx context.Context, code string) error {
	coupon, err := b.Wallet.ValidateCoupon(ctx, modelslab.WalletValidateCouponParams{CouponCode: code})
	if err != nil {
		return err
	}
	// One coupon is redeemed once: with this name a repeat after a crash is the same one.
	_, err = b.Wallet.RedeemCoupon(ctx, modelslab.WalletRedeemCouponParams{CouponCode: code}, modelslab.WithOperation("coupon-"+code))
	if err != nil {
		return err
	}
	after, err := b.Wallet.Balance(ctx)
	if err != nil {
		return err
	}
	b.say("coupon", "%s is redeemed (%s); the wallet holds $%s", code, coupon.Message, after.Balance)
	return nil
}

func (b *billing) invoices(ctx context.Context) error {
	invoices, err := b.Billing.Invoices(ctx)
	if err != nil {
		return err
	}
	b.say("invoices", "%d", len(invoices))
	for _, in := range invoices[:min(3, len(invoices))] {
		links, err := b.Billing.InvoiceLinks(ctx, in.ID)
		if err != nil {
			return err
		}
		for _, link := range []string{links.PDFURL, links.InvoicePDF, links.ReceiptURL, links.HostedInvoiceURL, links.URL} {
			if link != "" {
				b.say("", "%s, %s, %s: %s", in.Number, in.Description, in.Status, link)
				break
			}
		}
	}
	return nil
}

// clean takes back what would go on without this program.
func (b *billing) clean(ctx context.Context) error {
	var off, gone, back error
	if b.ordered {
		if off = b.Wallet.DisableAutoFunding(ctx); off == nil {
			b.say("auto-funding", "off")
		}
	}
	if b.saved != "" {
		gone = b.Billing.DeletePaymentMethod(ctx, b.saved)
		if errors.Is(gone, modelslab.ErrNotFound) {
			gone = nil // it was never attached
		}
		if gone == nil {
			b.say("card", "taken off the account")
		}
	}
	if b.before != "" && b.before != b.saved {
		back = b.Billing.SetDefaultPaymentMethod(ctx, b.before)
	}
	return errors.Join(off, gone, back)
}
