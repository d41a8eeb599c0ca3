package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// account is a client, and what the example does with it.
type account struct{ *modelslab.Client }

func (a *account) logIn(ctx context.Context, email, password string) (string, error) {
	session, err := a.Auth.Login(ctx, modelslab.AuthLoginParams{
		Email: email, Password: modelslab.NewSecret(password),
		DeviceName: "account-example", TokenExpiry: modelslab.TokenExpiryWeek,
	})
	if err != nil {
		return "", err
	}
	a.Client = a.WithSession(session)
	return email + " has a session, token " + fmt.Sprint(session.AccessToken), nil
}

func (a *account) profile(ctx context.Context) (string, error) {
	p, err := a.Profile.Get(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is %s, verified: %v", p.Email, p.Username, p.Verified), nil
}

func (a *account) preference(ctx context.Context) (string, error) {
	// Fields that are nil stay as they are; false and $0 would be sent.
	err := a.Profile.UpdatePreferences(ctx, modelslab.ProfileUpdatePreferencesParams{
		WalletNotificationThreshold: modelslab.Ptr(modelslab.Cents(7_50)),
	})
	if err != nil {
		return "", err
	}
	p, err := a.Profile.Get(ctx)
	if err != nil || p.Preferences == nil || p.Preferences.WalletNotificationThreshold == nil {
		return "set, and not shown", err
	}
	return fmt.Sprintf("a mail comes when the wallet holds less than $%s", p.Preferences.WalletNotificationThreshold), nil
}

func (a *account) keys(ctx context.Context) (string, error) {
	made, err := a.APIKeys.Create(ctx, modelslab.APIKeyCreateParams{Name: "account-example"})
	if err != nil {
		return "", err
	}
	keys, err := a.APIKeys.List(ctx) // which shows no key whole: made.Key is the one to keep
	if err != nil {
		return "", err
	}
	var names []string
	for _, k := range keys {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ") + "; the last one is deleted again", a.APIKeys.Delete(ctx, made.ID)
}

func (a *account) usage(ctx context.Context) (string, error) {
	summary, err := a.Usage.Summary(ctx)
	if err != nil {
		return "", err
	}
	text, n := "", 0
	for record, err := range a.Usage.AllHistory(ctx, modelslab.UsageHistoryParams{From: time.Now().AddDate(0, 0, -30)}) {
		if err != nil {
			return "", err
		}
		if n++; n <= 5 && record.Cost != nil {
			text += fmt.Sprintf("\n%s  $%s  %s", record.Status, record.Cost, record.Endpoint)
		}
	}
	calls := "an unknown number of"
	if summary.TotalCalls != nil {
		calls = fmt.Sprint(*summary.TotalCalls)
	}
	return fmt.Sprintf("%s calls in all, %d in the last 30 days%s", calls, n, text), nil
}

func (a *account) sessions(ctx context.Context) (string, error) {
	tokens, err := a.Auth.Tokens(ctx)
	if err != nil {
		return "", err
	}
	var lines []string
	for _, t := range tokens {
		end := "never ends"
		if t.ExpiresAt != nil {
			end = "ends on " + t.ExpiresAt.Format(time.DateOnly)
		}
		lines = append(lines, t.Name+" "+end)
	}
	return strings.Join(lines, "\n"), nil
}

func (a *account) endOthers(ctx context.Context) (string, error) {
	if err := a.Auth.RevokeOtherTokens(ctx); err != nil {
		return "", err
	}
	left, err := a.sessions(ctx)
	return "ended; there is now: " + left, err
}
