package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// errNoAPIKey is a session that cannot generate.
var errNoAPIKey = errors.New("the session brought no API key, and images need one; nothing was charged")

// advice says what a caller does next about an error. The order matters: an outcome that
// nobody knows comes first, because everything else is about money that has not moved.
func advice(err error) string {
	var (
		unknown  *modelslab.OutcomeUnknownError
		declined *modelslab.PaymentDeclinedError
		action   *modelslab.RequiresActionError
		limited  *modelslab.RateLimitError
		noPlan   *noPlanError
	)
	switch {
	case errors.As(err, &unknown):
		if unknown.IdempotencyKey == "" {
			return unknown.Endpoint + " may have been carried out. Look at the account before you do it again."
		}
		return fmt.Sprintf("the money may have moved. Look first: Wallet.PaymentStatus, Wallet.Transactions, Subscriptions.List. "+
			"Then, if at all, send the very same request with WithIdempotencyKey(%q), never with another key.", unknown.IdempotencyKey)
	case errors.As(err, &declined):
		reason := declined.DeclineCode
		if reason == "" {
			reason = "no reason given"
		}
		return fmt.Sprintf("no money has moved (%s). Take another card, under another -order, or let a person pay: -human.", reason)
	case errors.As(err, &action):
		return fmt.Sprintf("no money has moved. The card wants its holder (3-D Secure): do not fund again for it. "+
			"Let a person pay on a page: -human. If the holder acts on %s after all, Wallet.PaymentStatus tells.", action.PaymentIntentID)
	case errors.Is(err, modelslab.ErrPaymentDeclined):
		return "no money has moved. Take another card, or fund the wallet with more than a job costs."
	case errors.As(err, &limited):
		return fmt.Sprintf("wait %s, then go on where it stopped.", limited.RetryAfter)
	case errors.Is(err, modelslab.ErrCheckoutExpired):
		return "nobody paid in time, and nobody can any more. Make a new link."
	case errors.Is(err, modelslab.ErrOperationMismatch):
		return "nothing was sent. Give this payment an -order of its own."
	case errors.Is(err, modelslab.ErrGenerationFailed):
		return "the job ended without an image. Another prompt or model may do better; the wallet still holds what is left."
	case errors.As(err, &noPlan):
		var plans []string
		for _, p := range noPlan.sold {
			plans = append(plans, describe(&p))
		}
		return "choose one of these: " + strings.Join(plans, ", ") + "."
	case errors.Is(err, errNoAPIKey):
		return "make a key in the dashboard, set MODELSLAB_API_KEY, and run again with -login."
	case errors.Is(err, modelslab.ErrUnauthenticated):
		return "log in again; a token may have ended."
	case errors.Is(err, modelslab.ErrValidation), errors.Is(err, modelslab.ErrConflict):
		return fieldAdvice(err)
	case errors.Is(err, context.Canceled):
		return "it was interrupted. With -live, run it again with -login and the same -order: a payment that was made is not made twice."
	}
	return ""
}

// fieldAdvice tells which fields the server did not like.
func fieldAdvice(err error) string {
	var refused *modelslab.APIError
	if !errors.As(err, &refused) {
		return "" // a ParamError says everything itself
	}
	var problems []string
	for field, reasons := range refused.Fields {
		if field == "email" {
			problems = append(problems, "if the account is yours, use -login")
		}
		problems = append(problems, field+": "+strings.Join(reasons, " "))
	}
	return strings.Join(problems, "; ")
}
