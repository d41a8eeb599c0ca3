package modelslab_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

func names(tokens []modelslab.AccessToken) (all []string) {
	for _, token := range tokens {
		all = append(all, token.Name)
	}
	return all
}

// Sign up, sign in from more devices, and end their tokens one by one, all others, and all.
func TestStoryOfTokens(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		const email = "agent@example.com"
		ctx, visitor := t.Context(), w.visitor(t)
		password := modelslab.NewSecret("correct horse")
		signup, err := visitor.Auth.Signup(ctx, modelslab.AuthSignupParams{Email: email, Password: password, Name: "Agent"})
		require.NoError(t, err)
		same(t, w, "signup", signup, lost(messagesOnly, "User"))
		_, err = visitor.Auth.Signup(ctx, modelslab.AuthSignupParams{Email: email, Password: password})
		refused(t, w, "signup twice", modelslab.ErrValidation, err, "correct horse")
		_, err = visitor.Auth.Login(ctx, modelslab.AuthLoginParams{Email: email, Password: password})
		refused(t, w, "login before the mail", modelslab.ErrPermissionDenied, err, "correct horse")

		code, ok := w.srv.VerificationCode(email)
		require.True(t, ok)
		session, err := visitor.Auth.VerifyEmail(ctx, code)
		require.NoError(t, err)
		same(t, w, "verified", session)
		assert.Equal(t, email, session.User.Email)
		assert.True(t, session.User.Verified)
		assert.False(t, session.APIKey.IsZero())
		own := visitor.WithSession(session)

		login := func(device string, expiry modelslab.TokenExpiry) (*modelslab.Session, *modelslab.Client) {
			s, err := visitor.Auth.Login(ctx, modelslab.AuthLoginParams{Email: email, Password: password, DeviceName: device, TokenExpiry: expiry})
			require.NoError(t, err)
			return s, visitor.WithSession(s)
		}
		session, desk := login("desk", modelslab.TokenExpiryWeek)
		same(t, w, "login", session)
		require.NotNil(t, session.ExpiresAt)
		assert.True(t, session.ExpiresAt.Equal(time.Now().AddDate(0, 0, 7)))
		session, phone := login("phone", modelslab.TokenExpiryNever)
		same(t, w, "login for ever", session)
		assert.Nil(t, session.ExpiresAt)

		alive(t, desk, "so that it was used")
		tokens, err := own.Auth.Tokens(ctx)
		require.NoError(t, err)
		same(t, w, "tokens", tokens)
		require.Equal(t, []string{"agent-control-plane", "desk", "phone"}, names(tokens))
		assert.Equal(t, []string{"*"}, tokens[1].Scopes)
		assert.NotNil(t, tokens[1].LastUsedAt)
		assert.Nil(t, tokens[2].LastUsedAt, "the phone was not used yet")
		assert.Nil(t, tokens[2].ExpiresAt)

		require.NoError(t, own.Auth.RevokeToken(ctx, tokens[1].ID))
		dead(t, desk, "revoked")
		alive(t, phone, "not revoked")
		alive(t, own, "the one that revokes")
		refused(t, w, "revoked twice", modelslab.ErrNotFound, own.Auth.RevokeToken(ctx, tokens[1].ID))

		_, desk = login("desk", "")
		require.NoError(t, own.Auth.RevokeOtherTokens(ctx))
		dead(t, desk, "one of the others")
		dead(t, phone, "one of the others")
		alive(t, own, "its own is kept")
		tokens, err = own.Auth.Tokens(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{"agent-control-plane"}, names(tokens))
		alive(t, w.client, "another user's tokens are none of the others")

		// The token that asks may end itself.
		_, desk = login("desk", "")
		tokens, err = desk.Auth.Tokens(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{"agent-control-plane", "desk"}, names(tokens))
		require.NoError(t, desk.Auth.RevokeToken(ctx, tokens[1].ID))
		dead(t, desk, "it has revoked itself")

		_, desk = login("desk", "")
		require.NoError(t, own.Auth.LogoutAll(ctx))
		dead(t, own, "logged out everywhere")
		dead(t, desk, "logged out everywhere")
		refused(t, w, "logged out twice", modelslab.ErrUnauthenticated, own.Auth.LogoutAll(ctx))
		_, desk = login("desk", "")
		require.NoError(t, desk.Auth.Logout(ctx))
		dead(t, desk, "logged out")
		alive(t, w.client, "somebody else")
	})
}

func TestStoryOfARefresh(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		before := w.as(t, w.account)
		session, err := w.client.Auth.Refresh(ctx, modelslab.AuthRefreshParams{TokenExpiry: modelslab.TokenExpiryThreeMonths, DeviceName: "desk"})
		require.NoError(t, err)
		same(t, w, "refreshed", session)
		assert.Equal(t, modelslab.TokenExpiryThreeMonths, session.TokenExpiry)
		require.NotNil(t, session.ExpiresAt)
		assert.True(t, session.ExpiresAt.Equal(time.Now().AddDate(0, 3, 0)))
		assert.Equal(t, w.account.APIKey, session.APIKey.Reveal(), "it stays the client's")
		dead(t, before, "the old token")
		alive(t, w.client, "the client has the new one")
		session, err = w.client.Auth.Refresh(ctx, modelslab.AuthRefreshParams{TokenExpiry: modelslab.TokenExpiryNever})
		require.NoError(t, err)
		same(t, w, "refreshed for ever", session)
		assert.Nil(t, session.ExpiresAt)

		tokens, err := w.client.Auth.Tokens(ctx)
		require.NoError(t, err)
		assert.Equal(t, []string{"desk"}, names(tokens), "the name is kept")
		elapse(200 * 24 * time.Hour)
		alive(t, w.client, "for ever")
	})
}

func TestStoryOfATokenThatExpires(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		session, err := w.visitor(t).Auth.Login(t.Context(), modelslab.AuthLoginParams{
			Email: w.account.Email, Password: modelslab.NewSecret(w.account.Password), TokenExpiry: modelslab.TokenExpiryWeek,
		})
		require.NoError(t, err)
		client := w.visitor(t).WithSession(session)
		elapse(7*24*time.Hour - time.Second)
		alive(t, client, "in its last second")
		elapse(time.Second)
		dead(t, client, "a week is over")
		alive(t, w.client, "this one does not expire")
	})
}

func TestStoryOfAForgottenPassword(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, visitor, email := t.Context(), w.visitor(t), w.account.Email
		old, fresh := modelslab.NewSecret(w.account.Password), modelslab.NewSecret("battery staple")
		login := func(password modelslab.Secret) (*modelslab.Session, error) {
			return visitor.Auth.Login(ctx, modelslab.AuthLoginParams{Email: email, Password: password})
		}
		reset := func(token string) error {
			return visitor.Auth.ResetPassword(ctx, modelslab.AuthResetPasswordParams{Email: email, Token: modelslab.NewSecret(token), Password: fresh})
		}
		require.NoError(t, visitor.Auth.ForgotPassword(ctx, "nobody@example.com"), "nobody learns who has an account")
		_, mailed := w.srv.ResetToken("nobody@example.com")
		assert.False(t, mailed)
		require.NoError(t, visitor.Auth.ForgotPassword(ctx, email))
		token, mailed := w.srv.ResetToken(email)
		require.True(t, mailed)

		refused(t, w, "a wrong token", modelslab.ErrValidation, reset("not-the-token"), "not-the-token", "battery staple")
		alive(t, w.client, "nothing has happened yet")
		_, err := login(old)
		require.NoError(t, err)

		require.NoError(t, reset(token))
		dead(t, w.client, "whoever resets a password ends all sessions")
		_, err = login(old)
		refused(t, w, "the old password", modelslab.ErrUnauthenticated, err, old.Reveal())
		session, err := login(fresh)
		require.NoError(t, err)
		same(t, w, "the new password", session)
		alive(t, visitor.WithSession(session), "signed in anew")
		_, err = w.client.Generation.Images.TextToImage(ctx, lighthouse())
		require.NoError(t, err, "API keys stay")

		refused(t, w, "the token again", modelslab.ErrValidation, reset(token), token, "battery staple")
		require.NoError(t, visitor.Auth.ForgotPassword(ctx, email))
		late, _ := w.srv.ResetToken(email)
		elapse(time.Hour)
		refused(t, w, "the token too late", modelslab.ErrValidation, reset(late), late, "battery staple")
		_, err = login(fresh)
		require.NoError(t, err)
	})
}

// A code mailed once more makes the first one worthless; a link does what a code does.
func TestStoryOfTheMails(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		const email = "agent@example.com"
		ctx, visitor := t.Context(), w.visitor(t)
		_, err := visitor.Auth.Signup(ctx, modelslab.AuthSignupParams{Email: email, Password: modelslab.NewSecret("correct horse")})
		require.NoError(t, err)
		first, _ := w.srv.VerificationCode(email)
		require.NoError(t, visitor.Auth.ResendVerification(ctx, email))
		_, err = visitor.Auth.VerifyEmail(ctx, first)
		refused(t, w, "the first code", modelslab.ErrValidation, err, first)
		code, _ := w.srv.VerificationCode(email)
		session, err := visitor.Auth.VerifyLink(ctx, code)
		require.NoError(t, err)
		same(t, w, "by link", session)
		alive(t, visitor.WithSession(session), "verified")
		_, err = visitor.Auth.VerifyLink(ctx, code)
		require.ErrorIs(t, err, modelslab.ErrValidation, "once")
		silent(t, err, code)
	})
}
