package modelslab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// The vendor's texts contradict each other in more than thirty places. Here is each
// of them, with what the client does about it: what it sends, what it makes of either
// answer, and, where the sandbox takes a side, which one that is.

// doing is a call whose result is looked at.
type doing = func(ctx context.Context, c *modelslab.Client) (any, error)

// saying is one of several ways to answer, and what the call makes of it.
type saying struct {
	name string
	body string
	want any // nil: the answer is no success
}

// understands checks that a call, sent once, reads every one of the sayings.
func understands(t *testing.T, on string, call doing, sayings []saying) {
	t.Helper()
	for _, tt := range sayings {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.on(on, prepared{status: 200, body: tt.body})
			got, err := call(t.Context(), s.Client)
			if tt.want == nil {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
				assert.Equal(t, tt.want, got)
			}
			assert.Len(t, s.requests(), 1)
		})
	}
}

// alike are several ways to say the same.
func alike(want any, bodies ...string) (sayings []saying) {
	for _, body := range bodies {
		sayings = append(sayings, saying{body, body, want})
	}
	return sayings
}

// wire is all that was sent, without headers: method, path below the base, query and
// body of each request. It holds every field there was, so those that it lacks were
// not sent.
func (s *stage) wire() string {
	var lines []string
	for _, r := range s.requests() {
		lines = append(lines, strings.TrimSpace(r.Method+" "+strings.TrimPrefix(r.URL.String(), agentsAPI)+" "+r.body))
	}
	return strings.Join(lines, "\n")
}

// sends checks that a call sends these requests and no other ones.
func sends(t *testing.T, want, on string, answer prepared, call doing) {
	t.Helper()
	s := onStage(t)
	s.on(on, answer)
	_, err := call(t.Context(), s.Client)
	require.NoError(t, err)
	assert.Equal(t, want, s.wire())
}

// complains checks that a server refused a call because of these fields, and only these.
func complains(t *testing.T, err error, fields ...string) {
	t.Helper()
	var api *modelslab.APIError
	require.ErrorAs(t, err, &api)
	require.ErrorIs(t, err, modelslab.ErrValidation)
	assert.Equal(t, http.StatusUnprocessableEntity, api.StatusCode)
	slices.Sort(fields)
	assert.Equal(t, fields, slices.Sorted(maps.Keys(api.Fields)))
}

// byHand sends what a typed method never would, and returns the data that came back.
func byHand(t *testing.T, client *modelslab.Client, method, path string, in any) (data map[string]any, err error) {
	t.Helper()
	err = client.Call(t.Context(), method, path, in, &data)
	return data, err
}

type fields = map[string]any

const (
	doneBody    = `{"data":{"message":"Done."},"error":null,"meta":{"request_id":"r1"}}`
	noRouteBody = `{"message":"The route api/agents/v1/x could not be found."}`
)

var done = prepared{status: 200, body: doneBody}

func TestContradictionsOfAccounts(t *testing.T) {
	t.Run("a code is verified under either name of the endpoint", func(t *testing.T) {
		const both = `POST /auth/verify-email {"verification_code":"c0de"}` + "\n" + `POST /auth/verify {"verification_code":"c0de"}`
		for name, tt := range map[string]struct {
			first prepared
			sent  string
			is    error
		}{
			"the older name answers":           {prepared{status: 200, body: `{"data":{"access_token":"1|a"}}`}, strings.Split(both, "\n")[0], nil},
			"there is no such route":           {prepared{status: 404, body: noRouteBody}, both, nil},
			"the route takes other methods":    {prepared{status: 405, body: `{"message":"The POST method is not supported."}`, header: map[string]string{"Allow": "GET"}}, both, nil},
			"there is no such code":            {prepared{status: 404, body: `{"error":{"code":"not_found","message":"The route of this code is over."}}`}, strings.Split(both, "\n")[0], modelslab.ErrNotFound},
			"the code is no row of the server": {prepared{status: 404, body: `{"message":"No query results for model [X] 1"}`}, strings.Split(both, "\n")[0], modelslab.ErrNotFound},
		} {
			t.Run(name, func(t *testing.T) {
				s := onStage(t)
				s.on("POST /auth/verify-email", tt.first)
				s.on("POST /auth/verify", prepared{status: 200, body: `{"data":{"access_token":"1|a"}}`})
				session, err := s.Auth.VerifyEmail(t.Context(), "c0de")
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				} else {
					require.NoError(t, err)
					assert.Equal(t, "1|a", session.AccessToken.Reveal())
				}
				assert.Equal(t, tt.sent, s.wire())
			})
		}
		t.Run("a server with neither is asked twice", func(t *testing.T) {
			s := onStage(t)
			s.on("POST /auth/verify-email", prepared{status: 404, body: noRouteBody})
			s.on("POST /auth/verify", prepared{status: 404, body: noRouteBody})
			_, err := s.Auth.VerifyEmail(t.Context(), "c0de")
			require.ErrorIs(t, err, modelslab.ErrNotFound)
			assert.Equal(t, both, s.wire())
		})
		for name, opts := range map[string][]sandbox.Option{
			"a sandbox with both":                      nil,
			"a sandbox that only knows the newer name": {sandbox.WithoutRoute("auth.verify_email")},
			"a sandbox that only knows the older name": {sandbox.WithoutRoute("auth.verify")},
		} {
			t.Run(name, func(t *testing.T) {
				srv, _ := inSandbox(t, opts...)
				alive(t, arrive(t, srv, "ada@example.com"), name)
			})
		}
		t.Run("the sandbox serves the newer name beside the older one", func(t *testing.T) {
			srv, client := inSandbox(t)
			_, err := client.Auth.Signup(t.Context(), modelslab.AuthSignupParams{Email: "ada@example.com", Password: modelslab.NewSecret("correct horse")})
			require.NoError(t, err)
			code, _ := srv.VerificationCode("ada@example.com")
			data, err := byHand(t, client, http.MethodPost, "/auth/verify", fields{"verification_code": code})
			require.NoError(t, err)
			assert.NotEmpty(t, data["access_token"])
		})
	})

	login := func(p modelslab.AuthLoginParams) doing {
		p.Email, p.Password = "ada@example.com", modelslab.NewSecret("open sesame")
		return func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Auth.Login(ctx, p)) }
	}
	const loginCall = "POST /auth/login"
	loggedIn := prepared{status: 200, body: "testdata/auth_login.json"}

	t.Run("a login says its lifetime as token_expiry and never as expiry", func(t *testing.T) {
		sends(t, `POST /auth/login {"email":"ada@example.com","password":"open sesame","token_expiry":"1_week"}`,
			loginCall, loggedIn, login(modelslab.AuthLoginParams{TokenExpiry: modelslab.TokenExpiryWeek}))
		sends(t, `POST /auth/login {"email":"ada@example.com","password":"open sesame"}`,
			loginCall, loggedIn, login(modelslab.AuthLoginParams{}))
		t.Run("the sandbox does not know expiry", func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
				ada := srv.Account(sandbox.AccountParams{Email: "ada@example.com"})
				data, err := byHand(t, client, http.MethodPost, "/auth/login", fields{"email": ada.Email, "password": ada.Password, "expiry": "1_week"})
				require.NoError(t, err)
				assert.Equal(t, "1_month", data["token_expiry"])
				assert.Equal(t, time.Now().UTC().AddDate(0, 1, 0).Format(time.RFC3339), data["expires_at"])
			})
		})
	})

	t.Run("every word is a lifetime, the six that are known and any other one", func(t *testing.T) {
		known := map[modelslab.TokenExpiry]string{
			modelslab.TokenExpiryWeek: "1_week", modelslab.TokenExpiryMonth: "1_month", modelslab.TokenExpiryThreeMonths: "3_months",
			modelslab.TokenExpirySixMonths: "6_months", modelslab.TokenExpiryYear: "1_year", modelslab.TokenExpiryNever: "never",
		}
		require.Len(t, known, 6)
		known["1_fortnight"] = "1_fortnight"
		for expiry, word := range known {
			s := onStage(t)
			for _, path := range []string{"/auth/login", "/auth/refresh", "/auth/switch-account"} {
				s.on("POST "+path, prepared{status: 200, body: `{"data":{"access_token":"1|a","token_expiry":"` + word + `"}}`})
			}
			one, err := s.Auth.Login(t.Context(), modelslab.AuthLoginParams{Email: "ada@example.com", Password: modelslab.NewSecret("open sesame"), TokenExpiry: expiry})
			require.NoError(t, err)
			two, err := s.Auth.Refresh(t.Context(), modelslab.AuthRefreshParams{TokenExpiry: expiry})
			require.NoError(t, err)
			three, err := s.Auth.SwitchAccount(t.Context(), modelslab.AuthSwitchAccountParams{AccountUsername: "charles", TokenExpiry: expiry})
			require.NoError(t, err)
			for i, session := range []*modelslab.Session{one, two, three} {
				assert.Contains(t, s.requests()[i].body, `"token_expiry":"`+word+`"`)
				assert.Equal(t, expiry, session.TokenExpiry)
			}
		}
		t.Run("the account's policy has the last word", func(t *testing.T) {
			s := onStage(t)
			s.on(loginCall, prepared{status: 200, body: `{"data":{"access_token":"1|a","token_expiry":"never","token_expiry_effective":"1_week","token_lifetime_capped":true,"expires_at":"2026-03-21T09:30:00Z"}}`})
			got, err := login(modelslab.AuthLoginParams{TokenExpiry: modelslab.TokenExpiryNever})(t.Context(), s.Client)
			require.NoError(t, err)
			assert.Equal(t, &modelslab.Session{
				AccessToken: modelslab.NewSecret("1|a"), TokenExpiry: modelslab.TokenExpiryWeek, TokenLifetimeCapped: true, ExpiresAt: on(2026, 3, 21, 9, 30),
			}, got)
		})
		t.Run("the sandbox knows the six", func(t *testing.T) {
			inBubble(t, func(t *testing.T, _ *sandbox.Server, client *modelslab.Client) {
				now := time.Now()
				for expiry, ends := range map[modelslab.TokenExpiry]time.Time{
					modelslab.TokenExpiryWeek: now.AddDate(0, 0, 7), modelslab.TokenExpiryMonth: now.AddDate(0, 1, 0), modelslab.TokenExpiryThreeMonths: now.AddDate(0, 3, 0),
					modelslab.TokenExpirySixMonths: now.AddDate(0, 6, 0), modelslab.TokenExpiryYear: now.AddDate(1, 0, 0), modelslab.TokenExpiryNever: {},
				} {
					session, err := client.Auth.Refresh(t.Context(), modelslab.AuthRefreshParams{TokenExpiry: expiry})
					require.NoError(t, err)
					assert.Equal(t, expiry, session.TokenExpiry)
					if expiry == modelslab.TokenExpiryNever {
						assert.Nil(t, session.ExpiresAt)
						continue
					}
					assert.Truef(t, session.ExpiresAt.Equal(ends), "%s: %s", expiry, session.ExpiresAt)
				}
				_, err := client.Auth.Refresh(t.Context(), modelslab.AuthRefreshParams{TokenExpiry: "1_fortnight"})
				complains(t, err, "token_expiry")
			})
		})
	})

	t.Run("a token is found under either name, inside the data and beside it", func(t *testing.T) {
		token := func(v any, err error) (any, error) {
			if err != nil {
				return nil, err
			}
			return v.(*modelslab.Session).AccessToken.Reveal(), nil
		}
		for path, call := range map[string]doing{
			"/auth/login": login(modelslab.AuthLoginParams{}),
			"/auth/verify-email": func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Auth.VerifyEmail(ctx, "c0de"))
			},
			"/auth/refresh": func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Auth.Refresh(ctx, modelslab.AuthRefreshParams{}))
			},
			"/auth/switch-account": func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Auth.SwitchAccount(ctx, modelslab.AuthSwitchAccountParams{AccountUsername: "charles"}))
			},
		} {
			t.Run(strings.TrimPrefix(path, "/auth/"), func(t *testing.T) {
				understands(t, "POST "+path, func(ctx context.Context, c *modelslab.Client) (any, error) { return token(call(ctx, c)) },
					alike("7|token",
						`{"data":{"access_token":"7|token"},"error":null}`,
						`{"data":{"token":"7|token"},"error":null}`,
						`{"data":{"access_token":"7|token","token":"8|other"},"token":"9|other"}`,
						`{"data":{"access_token":"","token":"7|token"},"access_token":"9|other"}`,
						`{"data":{"access_token":null,"user":{"id":1}},"access_token":"7|token","token":"9|other"}`,
						`{"data":{"message":"Welcome."},"token":"7|token"}`,
						`{"data":[],"token":"7|token"}`,
						`{"access_token":"7|token"}`,
						`{"token":"7|token"}`,
					))
			})
		}
		t.Run("data that is null is data that is absent", func(t *testing.T) {
			understands(t, loginCall, func(ctx context.Context, c *modelslab.Client) (any, error) {
				return token(login(modelslab.AuthLoginParams{})(ctx, c))
			}, alike("7|token", `{"data":null,"error":null,"access_token":"7|token"}`, `{"data":null,"token":"7|token"}`))
		})
	})

	t.Run("a signup confirms its password only if it is told to", func(t *testing.T) {
		signup := func(confirmation string) doing {
			p := modelslab.AuthSignupParams{Email: "ada@example.com", Password: modelslab.NewSecret("open sesame"), Name: "Ada"}
			if confirmation != "" {
				p.PasswordConfirmation = modelslab.NewSecret(confirmation)
			}
			return func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Auth.Signup(ctx, p)) }
		}
		sends(t, `POST /auth/signup {"email":"ada@example.com","password":"open sesame","name":"Ada"}`, "POST /auth/signup", done, signup(""))
		sends(t, `POST /auth/signup {"email":"ada@example.com","password":"open sesame","name":"Ada","password_confirmation":"open sesame"}`,
			"POST /auth/signup", done, signup("open sesame"))
		sends(t, `POST /auth/reset-password {"email":"ada@example.com","token":"r3set","password":"open sesame","password_confirmation":"open sesame"}`,
			"POST /auth/reset-password", done, func(ctx context.Context, c *modelslab.Client) (any, error) {
				return nil, c.Auth.ResetPassword(ctx, modelslab.AuthResetPasswordParams{
					Email: "ada@example.com", Token: modelslab.NewSecret("r3set"), Password: modelslab.NewSecret("open sesame"),
				})
			})
		t.Run("the sandbox looks at it where it is sent", func(t *testing.T) {
			_, client := inSandbox(t)
			_, err := signup("open sesamy")(t.Context(), client)
			complains(t, err, "password")
			_, err = signup("")(t.Context(), client)
			require.NoError(t, err)
		})
	})

	t.Run("a signup may hand out a token and need not", func(t *testing.T) {
		ada := &modelslab.User{ID: 123, Email: "ada@example.com"}
		understands(t, "POST /auth/signup", func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Auth.Signup(ctx, modelslab.AuthSignupParams{Email: "ada@example.com", Password: modelslab.NewSecret("open sesame")}))
		}, []saying{
			{"none", `{"data":{"message":"Look into your mailbox.","user":{"id":123,"email":"ada@example.com"}}}`, &modelslab.Signup{Message: "Look into your mailbox.", User: ada}},
			{"one", `{"data":{"access_token":"9|early","user":{"id":"123","email":"ada@example.com"}}}`, &modelslab.Signup{AccessToken: modelslab.NewSecret("9|early"), User: ada}},
			{"one under its other name, and a key", `{"data":{"token":"9|early","api_key":"gen-key-9"}}`, &modelslab.Signup{AccessToken: modelslab.NewSecret("9|early"), APIKey: modelslab.NewSecret("gen-key-9")}},
			{"null", `{"data":{"access_token":null,"api_key":null}}`, &modelslab.Signup{}},
			{"nothing", `{"data":null}`, &modelslab.Signup{}},
		})
		t.Run("the client goes on with its own", func(t *testing.T) {
			s := onStage(t)
			s.on("POST /auth/signup", prepared{status: 201, body: `{"data":{"access_token":"9|early"}}`})
			s.on("POST /auth/logout", prepared{status: 204})
			_, err := s.Auth.Signup(t.Context(), modelslab.AuthSignupParams{Email: "eve@example.com", Password: modelslab.NewSecret("open sesame")})
			require.NoError(t, err)
			require.NoError(t, s.Auth.Logout(t.Context()))
			assert.Empty(t, s.requests()[0].Header.Get("Authorization"))
			assert.Equal(t, "Bearer "+theToken, s.requests()[1].Header.Get("Authorization"))
		})
		t.Run("the sandbox keeps it until the address is verified", func(t *testing.T) {
			_, client := inSandbox(t)
			signup, err := client.Auth.Signup(t.Context(), modelslab.AuthSignupParams{Email: "ada@example.com", Password: modelslab.NewSecret("open sesame")})
			require.NoError(t, err)
			assert.True(t, signup.AccessToken.IsZero())
			assert.Equal(t, "ada@example.com", signup.User.Email)
		})
	})

	t.Run("a refresh that the server does not know says: log in", func(t *testing.T) {
		for name, answer := range map[string]prepared{
			"no such route": {status: 404, body: noRouteBody}, "nothing": {status: 404}, "an error of the API's": {status: 404, body: `{"error":{"code":"not_found","message":"Gone."}}`},
			"another method only": {status: 405, body: `{"message":"The POST method is not supported."}`, header: map[string]string{"Allow": "GET"}},
		} {
			t.Run(name, func(t *testing.T) {
				s := onStage(t)
				s.on("POST /auth/refresh", answer)
				s.on("POST /auth/logout", prepared{status: 204})
				session, err := s.Auth.Refresh(t.Context(), modelslab.AuthRefreshParams{})
				require.ErrorIs(t, err, modelslab.ErrNotFound)
				require.ErrorContains(t, err, "log in")
				assert.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown, "the old token lives")
				assert.Nil(t, session)
				assert.Len(t, s.requests(), 1)
				require.NoError(t, s.Auth.Logout(t.Context()))
				assert.Equal(t, "Bearer "+theToken, s.requests()[1].Header.Get("Authorization"))
			})
		}
		t.Run("any other refusal does not", func(t *testing.T) {
			s := onStage(t)
			s.on("POST /auth/refresh", prepared{status: 422, body: "testdata/validation_error.json"})
			_, err := s.Auth.Refresh(t.Context(), modelslab.AuthRefreshParams{})
			require.ErrorIs(t, err, modelslab.ErrValidation)
			assert.NotContains(t, err.Error(), "log in")
		})
		t.Run("a sandbox with it", func(t *testing.T) {
			_, client := inSandbox(t)
			_, err := client.Auth.Refresh(t.Context(), modelslab.AuthRefreshParams{})
			require.NoError(t, err)
			alive(t, client, "with the new token")
		})
		t.Run("a sandbox without it", func(t *testing.T) {
			_, client := inSandbox(t, sandbox.WithoutRoute("auth.refresh"))
			_, err := client.Auth.Refresh(t.Context(), modelslab.AuthRefreshParams{})
			require.ErrorIs(t, err, modelslab.ErrNotFound)
			require.ErrorContains(t, err, "log in")
			alive(t, client, "with the old token")
		})
	})

	t.Run("an account is switched to by its username", func(t *testing.T) {
		sends(t, `POST /auth/switch-account {"account_username":"charles-shop"}`, "POST /auth/switch-account", loggedIn,
			func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Auth.SwitchAccount(ctx, modelslab.AuthSwitchAccountParams{AccountUsername: "charles-shop"}))
			})
		runBadInput(t, []badInput{{"not to none", "AuthSwitchAccountParams.AccountUsername", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Auth.SwitchAccount(ctx, modelslab.AuthSwitchAccountParams{}))
		}}})
		t.Run("the sandbox knows no number of a member", func(t *testing.T) {
			_, client := inSandbox(t)
			_, err := byHand(t, client, http.MethodPost, "/auth/switch-account", fields{"team_member_id": 5})
			complains(t, err, "account_username")
			me, err := client.Profile.Get(t.Context())
			require.NoError(t, err)
			session, err := client.Auth.SwitchAccount(t.Context(), modelslab.AuthSwitchAccountParams{AccountUsername: me.Username})
			require.NoError(t, err)
			alive(t, client.WithSession(session), "back to one's own")
		})
	})

	t.Run("the text of a profile is written as about_me and read under both names", func(t *testing.T) {
		sends(t, `PATCH /me {"about_me":"Programs."}`, "PATCH /me", done, func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Profile.Update(ctx, modelslab.ProfileUpdateParams{AboutMe: modelslab.Ptr("Programs.")}))
		})
		understands(t, "GET /me", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Profile.Get(ctx)) },
			alike(&modelslab.Profile{ID: 123, AboutMe: "Programs."},
				`{"data":{"id":123,"about_me":"Programs."}}`, `{"data":{"id":123,"about":"Programs."}}`,
				`{"data":{"id":123,"about":"Old.","about_me":"Programs."}}`, `{"data":{"id":123,"about_me":null,"about":"Programs."}}`,
			))
		t.Run("the sandbox reads about_me alone", func(t *testing.T) {
			_, client := inSandbox(t)
			profile, err := client.Profile.Update(t.Context(), modelslab.ProfileUpdateParams{AboutMe: modelslab.Ptr("Programs.")})
			require.NoError(t, err)
			assert.Equal(t, "Programs.", profile.AboutMe)
			data, err := byHand(t, client, http.MethodPatch, "/me", fields{"about": "Engines."})
			require.NoError(t, err)
			assert.Equal(t, "Programs.", data["about_me"])
		})
	})

	t.Run("preferences and socials have their documented names", func(t *testing.T) {
		sends(t, `PATCH /me/preferences {"nsfw_content":false,"wallet_notification_enabled":false,"wallet_notification_threshold":0}`, "PATCH /me/preferences", done,
			func(ctx context.Context, c *modelslab.Client) (any, error) {
				return nil, c.Profile.UpdatePreferences(ctx, modelslab.ProfileUpdatePreferencesParams{
					NSFWContent: modelslab.Ptr(false), WalletNotificationEnabled: modelslab.Ptr(false), WalletNotificationThreshold: modelslab.Ptr(modelslab.Dollars(0)),
				})
			})
		sends(t, `PATCH /me/socials {"facebook":"f","github":"g","twitter":"t","instagram":"i","discord":"d"}`, "PATCH /me/socials", done,
			func(ctx context.Context, c *modelslab.Client) (any, error) {
				return nil, c.Profile.UpdateSocials(ctx, modelslab.ProfileUpdateSocialsParams{
					Facebook: modelslab.Ptr("f"), GitHub: modelslab.Ptr("g"), Twitter: modelslab.Ptr("t"), Instagram: modelslab.Ptr("i"), Discord: modelslab.Ptr("d"),
				})
			})
		sends(t, `PATCH /me/socials {"github":""}`, "PATCH /me/socials", done, func(ctx context.Context, c *modelslab.Client) (any, error) {
			return nil, c.Profile.UpdateSocials(ctx, modelslab.ProfileUpdateSocialsParams{GitHub: modelslab.Ptr("")})
		})
		t.Run("the sandbox knows no other ones", func(t *testing.T) {
			_, client := inSandbox(t)
			before, err := client.Profile.Get(t.Context())
			require.NoError(t, err)
			for path, in := range map[string]fields{
				"/me/preferences": {"nsfw_enabled": !before.Preferences.NSFWContent, "notifications_enabled": !before.Preferences.WalletNotificationEnabled},
				"/me/socials":     {"website": "https://ada.example"},
			} {
				_, err := byHand(t, client, http.MethodPatch, path, in)
				require.NoError(t, err)
			}
			after, err := client.Profile.Get(t.Context())
			require.NoError(t, err)
			assert.Equal(t, before, after)
			require.NoError(t, client.Profile.UpdatePreferences(t.Context(), modelslab.ProfileUpdatePreferencesParams{NSFWContent: modelslab.Ptr(!before.Preferences.NSFWContent)}))
			after, err = client.Profile.Get(t.Context())
			require.NoError(t, err)
			assert.NotEqual(t, before.Preferences.NSFWContent, after.Preferences.NSFWContent)
			assert.Equal(t, before.Preferences.WalletNotificationEnabled, after.Preferences.WalletNotificationEnabled)
		})
	})

	t.Run("a key that is shown again may be whole, masked or missing", func(t *testing.T) {
		key := func(text string) modelslab.APIKey {
			k := modelslab.APIKey{ID: 31, Name: "Default"}
			if text != "" {
				k.Key = modelslab.NewSecret(text)
			}
			return k
		}
		for name, tt := range map[string]struct{ member, want string }{
			"whole": {`,"key":"gen-key-31"`, "gen-key-31"}, "masked": {`,"key":"gen-******31"`, "gen-******31"},
			"null": {`,"key":null`, ""}, "missing": {``, ""}, "masked by dots": {`,"key":"gen-••••31"`, "gen-••••31"},
		} {
			t.Run(name, func(t *testing.T) {
				s := onStage(t)
				one := `{"id":31,"name":"Default"` + tt.member + `}`
				s.on("GET /api-keys", prepared{status: 200, body: `{"data":[` + one + `]}`})
				for _, call := range []string{"GET /api-keys/31", "PUT /api-keys/31", "POST /api-keys"} {
					s.on(call, prepared{status: 200, body: `{"data":` + one + `}`})
				}
				s.on("POST /api/v6/images/text2img", prepared{status: 200, body: "testdata/text2img_success.json"})
				list, err := s.APIKeys.List(t.Context())
				require.NoError(t, err)
				assert.Equal(t, []modelslab.APIKey{key(tt.want)}, list)
				read, err := s.APIKeys.Get(t.Context(), 31)
				require.NoError(t, err)
				changed, err := s.APIKeys.Update(t.Context(), 31, modelslab.APIKeyUpdateParams{Name: modelslab.Ptr("Default")})
				require.NoError(t, err)
				made, err := s.APIKeys.Create(t.Context(), modelslab.APIKeyCreateParams{Name: "Default"})
				require.NoError(t, err)
				for _, k := range []*modelslab.APIKey{read, changed, made} {
					assert.Equal(t, key(tt.want), *k)
				}
				_, err = submit(t.Context(), s.Client)
				require.NoError(t, err)
				assert.Contains(t, s.requests()[4].body, `"key":"`+theAPIKey+`"`, "the client takes none of them for its own")
			})
		}
		t.Run("the sandbox shows it whole when it is made and masked ever after", func(t *testing.T) {
			_, client := inSandbox(t)
			made, err := client.APIKeys.Create(t.Context(), modelslab.APIKeyCreateParams{Name: "Night"})
			require.NoError(t, err)
			read, err := client.APIKeys.Get(t.Context(), made.ID)
			require.NoError(t, err)
			assert.Contains(t, read.Key.Reveal(), "***")
			list, err := client.APIKeys.List(t.Context())
			require.NoError(t, err)
			for _, k := range list {
				assert.Contains(t, k.Key.Reveal(), "***")
			}
			for text, is := range map[string]error{made.Key.Reveal(): nil, read.Key.Reveal(): modelslab.ErrUnauthenticated} {
				with, err := client.With(modelslab.WithAPIKey(text))
				require.NoError(t, err)
				_, err = submit(t.Context(), with)
				if is == nil {
					assert.NotErrorIs(t, err, modelslab.ErrUnauthenticated)
				} else {
					require.ErrorIs(t, err, is)
				}
			}
		})
	})
}

func TestContradictionsOfLookingThingsUp(t *testing.T) {
	t.Run("models are sorted by any word", func(t *testing.T) {
		search := func(sort string) doing {
			return func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Models.Search(ctx, modelslab.ModelSearchParams{Sort: sort}))
			}
		}
		documented := []string{
			modelslab.SortRecommended, modelslab.SortLatest, modelslab.SortMostUsed, modelslab.SortAsc, modelslab.SortDesc, modelslab.SortSortAsc, modelslab.SortSortDesc,
		}
		assert.Equal(t, []string{"recommended", "latest", "most-used", "asc", "desc", "sort-asc", "sort-desc"}, documented)
		words := append(slices.Clone(documented), "newest", "popular")
		for _, word := range append(slices.Clone(words), "by_moonlight") {
			sends(t, "GET /models?sort="+word, "GET /models?sort="+word, prepared{status: 200, body: `{"data":[]}`}, search(word))
		}
		sends(t, "GET /models", "GET /models", prepared{status: 200, body: `{"data":[]}`}, search(""))
		t.Run("the sandbox takes the words of both sources", func(t *testing.T) {
			_, client := inSandbox(t)
			order := map[string][]modelslab.Model{}
			for _, word := range words {
				page, err := client.Models.Search(t.Context(), modelslab.ModelSearchParams{Sort: word})
				require.NoError(t, err, word)
				order[word] = page.Items
			}
			assert.Equal(t, order["latest"], order["newest"])
			assert.Equal(t, order["most-used"], order["popular"])
			assert.NotEqual(t, order["latest"], order["popular"])
			_, err := search("by_moonlight")(t.Context(), client)
			complains(t, err, "sort")
		})
	})

	t.Run("the usage history is cut by limit and not by per_page", func(t *testing.T) {
		history := func(limit int) doing {
			return func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Usage.History(ctx, modelslab.UsageHistoryParams{Limit: limit}))
			}
		}
		for query, limit := range map[string]int{"": 0, "?limit=20": 20, "?limit=200": 200} {
			sends(t, "GET /usage/history"+query, "GET /usage/history"+query, prepared{status: 200, body: `{"data":[]}`}, history(limit))
		}
		runBadInput(t, []badInput{{"not by more than 200", "UsageHistoryParams.Limit", func(ctx context.Context, c *modelslab.Client) error {
			return second(history(201)(ctx, c))
		}}})
		t.Run("the sandbox knows no per_page", func(t *testing.T) {
			srv := sandbox.New(sandbox.InMemory())
			t.Cleanup(srv.Close)
			account := srv.Account(sandbox.AccountParams{})
			client, err := modelslab.New(account.ClientOptions()...)
			require.NoError(t, err)
			srv.AddUsage(account.Email, slices.Repeat([]sandbox.Usage{{Cents: 2}}, 30)...)
			page, err := client.Usage.History(t.Context(), modelslab.UsageHistoryParams{Limit: 5})
			require.NoError(t, err)
			assert.Len(t, page.Items, 5)
			var all []any
			require.NoError(t, client.Call(t.Context(), http.MethodGet, "/usage/history", url.Values{"per_page": {"5"}}, &all))
			assert.Len(t, all, 30)
		})
	})

	t.Run("who is limited by agent-auth is the union of both lists", func(t *testing.T) {
		union := []string{
			"auth.forgot_password", "auth.login", "auth.resend_verification", "auth.reset_password", "auth.signup", "auth.verify", "auth.verify_email",
		}
		var client, server []string
		for _, e := range modelslab.Endpoints() {
			if e.Limiter == modelslab.LimiterAuth {
				client = append(client, e.Name)
				assert.False(t, e.Bearer, "%s: nobody is known yet", e.Name)
			}
			if strings.HasPrefix(e.Name, "auth.") && e.Bearer {
				assert.Equal(t, modelslab.LimiterGeneral, e.Limiter, e.Name)
			}
		}
		srv, visitor := inSandbox(t, sandbox.WithRateLimit(sandbox.LimiterAuth, 1))
		for _, r := range srv.Routes() {
			if r.Limiter == sandbox.LimiterAuth {
				server = append(server, r.Name)
			}
		}
		slices.Sort(client)
		slices.Sort(server)
		assert.Equal(t, union, client)
		assert.Equal(t, union, server)

		visitor, err := visitor.With(modelslab.WithRateLimitPolicy(modelslab.RateLimitPolicy{Mode: modelslab.RateLimitOff}), modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1}))
		require.NoError(t, err)
		require.NoError(t, visitor.Auth.ForgotPassword(t.Context(), "ada@example.com"))
		for name, call := range map[string]func() error{
			"reset": func() error {
				return visitor.Auth.ResetPassword(t.Context(), modelslab.AuthResetPasswordParams{Email: "ada@example.com", Token: modelslab.NewSecret("r3set"), Password: modelslab.NewSecret("open sesame")})
			},
			"resend": func() error { return visitor.Auth.ResendVerification(t.Context(), "ada@example.com") },
		} {
			err := call()
			var limited *modelslab.RateLimitError
			require.ErrorAs(t, err, &limited, name)
			assert.Equal(t, modelslab.LimiterAuth, limited.Limiter)
		}
	})

	t.Run("answers may tell of limits, and need not", func(t *testing.T) {
		// In fake time, which stands still: a minute from now is :60.
		for name, tt := range map[string]struct {
			header map[string]string
			want   modelslab.RateLimit
		}{
			"nothing":          {nil, modelslab.RateLimit{}},
			"a limit alone":    {map[string]string{"X-RateLimit-Limit": "120"}, modelslab.RateLimit{Limit: 120}},
			"an end alone":     {map[string]string{"X-RateLimit-Reset": "60"}, modelslab.RateLimit{}},
			"what is left":     {map[string]string{"X-RateLimit-Remaining": "7"}, modelslab.RateLimit{Remaining: 7, Known: true}},
			"no number at all": {map[string]string{"X-RateLimit-Remaining": "plenty"}, modelslab.RateLimit{}},
			"what is left, and an end": {
				map[string]string{"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "60", "X-RateLimit-Limit": "120"}, modelslab.RateLimit{Limit: 120, Remaining: 7, Known: true},
			},
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := onStage(t)
					s.on("GET /wallet/balance", prepared{status: 200, body: `{"data":{"balance":1}}`, header: tt.header})
					for range 3 {
						var resp modelslab.Response
						_, err := s.Wallet.Balance(t.Context(), modelslab.WithResponse(&resp))
						require.NoError(t, err)
						for _, got := range []modelslab.RateLimit{resp.RateLimit, s.RateLimit(modelslab.LimiterGeneral)} {
							assert.Equal(t, tt.want.Known, got.Known)
							assert.Equal(t, tt.want.Remaining, got.Remaining)
							assert.Equal(t, modelslab.LimiterGeneral, got.Limiter)
						}
						assert.Equal(t, tt.want.Limit, resp.RateLimit.Limit)
						assert.Equal(t, tt.want.Known && tt.header["X-RateLimit-Reset"] != "", s.RateLimit(modelslab.LimiterGeneral).Reset.Equal(time.Now().Add(time.Minute)))
					}
					assert.Len(t, s.requests(), 3)
				})
			})
		}
		for name, headers := range map[string]sandbox.RateLimitHeaders{
			"the sandbox says when in Unix time": sandbox.RateLimitAbsolute, "the sandbox says when in seconds": sandbox.RateLimitRelative,
			"the sandbox says when after the last request": sandbox.RateLimitResetOn429, "the sandbox says nothing": sandbox.RateLimitSilent,
		} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
					start := time.Now()
					balance(t, client)
					state := client.RateLimit(modelslab.LimiterGeneral)
					assert.Equal(t, headers != sandbox.RateLimitSilent, state.Known)
					assert.Equal(t, headers == sandbox.RateLimitAbsolute || headers == sandbox.RateLimitRelative, !state.Reset.IsZero())
					balance(t, client) // there is one a minute
					assert.GreaterOrEqual(t, time.Since(start), time.Minute)
					assert.Less(t, time.Since(start), 2*time.Minute)
					refusals := slices.DeleteFunc(asked(srv, "wallet.balance"), func(r sandbox.Request) bool { return r.Status != http.StatusTooManyRequests })
					assert.Len(t, refusals, map[bool]int{true: 0, false: 1}[!state.Reset.IsZero()], "who knows the end waits for it")
				}, sandbox.WithRateLimit(sandbox.LimiterGeneral, 1), sandbox.WithRateLimitHeaders(headers))
			})
		}
	})
}

func TestContradictionsOfCards(t *testing.T) {
	t.Run("two answers have an envelope or none", func(t *testing.T) {
		const config, link = `"publishable_key":"pk_live_51Abc","instructions":"Go on."`, `"payment_url":"https://pay.example/p","session_id":"cs_live_a1","purpose":"fund","amount":25,"expires_at":"2026-02-16T10:00:00Z","instructions":"Go on."`
		forms := func(members string, want any) []saying {
			return []saying{
				{"bare", `{` + members + `}`, want},
				{"data alone", `{"data":{` + members + `}}`, want},
				{"an envelope", `{"data":{` + members + `},"error":null,"meta":{"request_id":"r1"}}`, want},
				{"bare, beside what else an envelope has", `{` + members + `,"error":null,"meta":{"request_id":"r1"}}`, want},
				{"beside data that is no object", `{"data":true,` + members + `}`, want},
				{"beside data that is null", `{"data":null,` + members + `}`, want},
			}
		}
		understands(t, configCall, func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Billing.StripeConfig(ctx)) },
			forms(config, &modelslab.StripeConfig{PublishableKey: "pk_live_51Abc", Instructions: "Go on."}))
		understands(t, "POST /billing/payment-link", func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}))
		}, forms(link, &modelslab.PaymentLink{
			PaymentURL: "https://pay.example/p", SessionID: "cs_live_a1", Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25),
			ExpiresAt: on(2026, 2, 16, 10, 0), Instructions: "Go on.",
		}))
		for name, opts := range map[string][]sandbox.Option{"the sandbox sends none": nil, "the sandbox sends one if it is told to": {sandbox.WithEnvelopeEverywhere()}} {
			t.Run(name, func(t *testing.T) {
				_, client := inSandbox(t, opts...)
				var resp modelslab.Response
				config, err := client.Billing.StripeConfig(t.Context(), modelslab.WithResponse(&resp))
				require.NoError(t, err)
				assert.NotEmpty(t, config.PublishableKey)
				assert.Equal(t, opts != nil, strings.Contains(string(resp.Raw), `"data"`))
				link, err := client.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}, modelslab.WithResponse(&resp))
				require.NoError(t, err)
				assert.NotEmpty(t, link.PaymentURL)
				assert.Equal(t, opts != nil, strings.Contains(string(resp.Raw), `"data"`))
			})
		}
	})

	t.Run("the publishable key comes after the session, and needs its token", func(t *testing.T) {
		s := onStage(t)
		s.on(configCall, stripeConfig)
		_, err := s.Billing.StripeConfig(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "Bearer "+theToken, s.requests()[0].Header.Get("Authorization"))

		visitor, err := modelslab.New(modelslab.WithHTTPClient(&http.Client{Transport: s}), modelslab.WithStripeHTTPClient(&http.Client{Transport: s}))
		require.NoError(t, err)
		_, err = visitor.Billing.StripeConfig(t.Context())
		require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
		_, err = visitor.Billing.TokenizeCard(t.Context(), goodCard(t))
		require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
		assert.Len(t, s.requests(), 1, "before there is a token nothing is sent")

		srv, _ := inSandbox(t, sandbox.WithGenerationTime(0))
		stranger, err := modelslab.New(append(srv.ClientOptions(), modelslab.WithAccessToken("1|nobody"))...)
		require.NoError(t, err)
		_, err = stranger.Billing.StripeConfig(t.Context())
		require.ErrorIs(t, err, modelslab.ErrUnauthenticated)

		// From nothing to a picture it takes six calls, in this order.
		before := len(srv.Requests())
		client := arrive(t, srv, "ada@example.com")
		_, err = fund25(t, client, tokenize(t, client, cardNumber))
		require.NoError(t, err)
		_, err = submit(t.Context(), client)
		require.NoError(t, err)
		var steps []string
		for _, r := range srv.Requests()[before:] {
			steps = append(steps, r.Endpoint)
			assert.Equal(t, !slices.Contains([]string{"auth.signup", "auth.verify_email", "stripe.payment_methods", "images.text2img"}, r.Endpoint),
				strings.Contains(r.Header.Get("Authorization"), "|"), "%s: the token has a bar in it", r.Endpoint)
		}
		assert.Equal(t, []string{"auth.signup", "auth.verify_email", "billing.stripe_config", "stripe.payment_methods", "wallet.fund", "images.text2img"}, steps)
	})

	t.Run("the publishable key is asked for and never known beforehand", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := onStage(t)
			config := func(key string) prepared { return prepared{status: 200, body: `{"publishable_key":"` + key + `"}`} }
			s.on(configCall, config("pk_test_first"), config("pk_test_second"), prepared{status: 503})
			s.on(stripeCall, stripeSuccess)
			for range 2 {
				_, err := s.Billing.TokenizeCard(t.Context(), goodCard(t))
				require.NoError(t, err)
				elapse(time.Hour)
			}
			_, err := s.Billing.TokenizeCard(t.Context(), goodCard(t))
			require.Error(t, err, "no key, no card")
			var users []string
			for _, r := range s.requests() {
				if r.URL.Host == "api.stripe.com" {
					users = append(users, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
				}
			}
			assert.Equal(t, []string{"pk_test_first", "pk_test_second"}, users)
			assert.Equal(t, "/api/agents/v1/billing/stripe-config", s.paths()[0])
			s.cardLess(t)
		})
		t.Run("StripeConfig remembers nothing", func(t *testing.T) {
			srv, client := inSandbox(t)
			for _, key := range []string{"pk_test_51One", "pk_test_51Two"} {
				srv.SetPublishableKey(key)
				config, err := client.Billing.StripeConfig(t.Context())
				require.NoError(t, err)
				assert.Equal(t, key, config.PublishableKey)
			}
		})
		t.Run("a key that the sandbox has changed is asked for anew", func(t *testing.T) {
			srv, client := inSandbox(t)
			tokenize(t, client, cardNumber)
			srv.SetPublishableKey("pk_test_51Rotated")
			tokenize(t, client, cardNumber)
			assert.Len(t, asked(srv, "billing.stripe_config"), 2)
		})
	})

	t.Run("a card is attached with make_default", func(t *testing.T) {
		attach := func(makeDefault *bool) doing {
			return func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Billing.AttachPaymentMethod(ctx, modelslab.BillingAttachPaymentMethodParams{PaymentMethodID: "pm_1Card", MakeDefault: makeDefault}))
			}
		}
		for flag, want := range map[*bool]string{nil: ``, modelslab.Ptr(true): `,"make_default":true`, modelslab.Ptr(false): `,"make_default":false`} {
			sends(t, `POST /billing/payment-methods {"payment_method_id":"pm_1Card"`+want+`}`, "POST /billing/payment-methods", done, attach(flag))
		}
		t.Run("the sandbox takes it for true, and knows no set_default", func(t *testing.T) {
			_, client := inSandbox(t)
			preferred := func() (id string) {
				cards, err := client.Billing.PaymentMethods(t.Context())
				require.NoError(t, err)
				for _, card := range cards {
					if card.IsDefault {
						id += card.ID
					}
				}
				return id
			}
			for _, tt := range []struct {
				in   fields
				want string
			}{
				{fields{"payment_method_id": "pm_card_visa"}, "pm_card_visa"},
				{fields{"payment_method_id": "pm_card_amex", "make_default": false}, "pm_card_visa"},
				{fields{"payment_method_id": "pm_card_mastercard", "set_default": false}, "pm_card_mastercard"},
			} {
				_, err := byHand(t, client, http.MethodPost, "/billing/payment-methods", tt.in)
				require.NoError(t, err)
				assert.Equal(t, tt.want, preferred())
			}
		})
	})

	t.Run("a card that asks for its holder is one outcome, by 202 and by 402", func(t *testing.T) {
		answers := map[string]prepared{
			"202": {status: 202, body: "testdata/payment_requires_action.json"},
			"402": {status: 402, body: `{"data":null,"error":{"code":"payment_declined","message":"Ask the holder.","details":{"decline_code":"authentication_required","payment_intent_id":"pi_3Wait"}}}`},
		}
		calls := map[string]doing{
			fundCall:                      fund(),
			subscribeCall:                 subscribe,
			"POST /wallet/coupons/redeem": redeemBonus,
			"PUT /subscriptions/45":       changePlan,
			"POST /subscriptions/charge-amount": func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Subscriptions.ChargeAmount(ctx, modelslab.SubscriptionChargeAmountParams{Amount: modelslab.Dollars(25)}))
			},
		}
		for status, answer := range answers {
			for on, call := range calls {
				t.Run(status+" for "+on, func(t *testing.T) {
					s := onStage(t)
					s.on(on, answer)
					got, err := call(t.Context(), s.Client)
					assert.Nil(t, got)
					assert.Equal(t, "pi_3Wait", holderWanted(t, err))
					requiresAction(t, err)
					assert.Len(t, s.requests(), 1, "a person has to act, and no repetition")
				})
			}
		}
		t.Run("any other decline is none", func(t *testing.T) {
			s := onStage(t)
			s.on(fundCall, prepared{status: 402, body: "testdata/payment_declined.json"})
			_, err := fund()(t.Context(), s.Client)
			require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)
			assert.NotErrorIs(t, err, modelslab.ErrRequiresAction)
		})
		for status, opts := range map[int][]sandbox.Option{http.StatusAccepted: nil, http.StatusPaymentRequired: {sandbox.WithActionRequiredAs402()}} {
			t.Run(fmt.Sprintf("the sandbox by %d", status), func(t *testing.T) {
				srv, client := inSandbox(t, opts...)
				_, err := fund25(t, client, "pm_card_authenticationRequired")
				id := holderWanted(t, err)
				assert.Equal(t, status, asked(srv, "wallet.fund")[0].Status)
				assert.Empty(t, srv.Charges())
				payment, err := client.Wallet.PaymentStatus(t.Context(), id)
				require.NoError(t, err)
				assert.False(t, payment.IsFinal())
				require.NoError(t, srv.CompleteAction(id))
				payment, err = client.Wallet.PaymentStatus(t.Context(), id)
				require.NoError(t, err)
				assert.True(t, payment.Succeeded())
			})
		}
	})

	t.Run("an address for bills is sent flat and read flat or nested", func(t *testing.T) {
		sends(t, `PUT /billing/info {"name":"Ada Ltd","tax_id":"DE1","tax_id_type":"eu_vat","address_line1":"1 Engine Row","address_line2":"Loft","address_city":"London","address_state":"LDN","address_postal_code":"W1","address_country":"GB"}`,
			"PUT /billing/info", done, func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Billing.UpdateInfo(ctx, modelslab.BillingUpdateInfoParams{
					Name: modelslab.Ptr("Ada Ltd"), TaxID: modelslab.Ptr("DE1"), TaxIDType: modelslab.Ptr("eu_vat"), AddressLine1: modelslab.Ptr("1 Engine Row"), AddressLine2: modelslab.Ptr("Loft"),
					AddressCity: modelslab.Ptr("London"), AddressState: modelslab.Ptr("LDN"), AddressPostalCode: modelslab.Ptr("W1"), AddressCountry: modelslab.Ptr("GB"),
				}))
			})
		whole := &modelslab.BillingInfo{Name: "Ada Ltd", AddressLine1: "1 Engine Row", AddressCity: "London", AddressPostalCode: "W1", AddressCountry: "GB"}
		understands(t, "GET /billing/info", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Billing.Info(ctx)) }, append(
			alike(whole,
				`{"data":{"name":"Ada Ltd","address_line1":"1 Engine Row","address_city":"London","address_postal_code":"W1","address_country":"GB"}}`,
				`{"data":{"name":"Ada Ltd","address":{"line1":"1 Engine Row","line2":null,"city":"London","postal_code":"W1","country":"GB"}}}`,
				`{"data":{"name":"Ada Ltd","address_line1":"1 Engine Row","address":{"line1":"2 Engine Row","city":"London","postal_code":"W1","country":"GB"}}}`,
			), saying{"an address that is empty", `{"data":{"name":"Ada Ltd","address":[]}}`, &modelslab.BillingInfo{Name: "Ada Ltd"}}))
		t.Run("the sandbox knows the flat names alone", func(t *testing.T) {
			_, client := inSandbox(t)
			info, err := client.Billing.UpdateInfo(t.Context(), modelslab.BillingUpdateInfoParams{AddressCity: modelslab.Ptr("London"), AddressCountry: modelslab.Ptr("GB")})
			require.NoError(t, err)
			assert.Equal(t, "London", info.AddressCity)
			_, err = byHand(t, client, http.MethodPut, "/billing/info", fields{"address": "1 Engine Row", "city": "Paris", "country": "FR"})
			require.NoError(t, err)
			again, err := client.Billing.Info(t.Context())
			require.NoError(t, err)
			assert.Equal(t, info, again)
		})
	})

	t.Run("links to a bill have five names, inside the data and beside it", func(t *testing.T) {
		const link = "https://bills.example/in_1.pdf"
		var sayings []saying
		for name, want := range map[string]*modelslab.InvoiceLinks{
			"url": {URL: link}, "pdf_url": {PDFURL: link}, "invoice_pdf": {InvoicePDF: link}, "receipt_url": {ReceiptURL: link}, "hosted_invoice_url": {HostedInvoiceURL: link},
		} {
			member := quote(name) + ":" + quote(link)
			sayings = append(sayings, alike(want, `{"data":{`+member+`},"error":null,"meta":{}}`, `{`+member+`}`, `{"data":null,`+member+`}`)...)
		}
		sayings = append(sayings,
			saying{"beside data that is another object", `{"data":{"id":"in_1"},"url":"` + link + `"}`, &modelslab.InvoiceLinks{URL: link}},
			saying{"two of them", `{"data":{"pdf_url":"` + link + `","receipt_url":"https://bills.example/in_1"}}`, &modelslab.InvoiceLinks{PDFURL: link, ReceiptURL: "https://bills.example/in_1"}},
			saying{"none", `{"data":{"id":"in_1"}}`, nil},
			saying{"the paper itself", "%PDF-1.4\n%%EOF", nil},
		)
		links := func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Billing.InvoiceLinks(ctx, "in_1"))
		}
		understands(t, "GET /billing/invoices/in_1/pdf", links, sayings)
		t.Run("not by a redirect", func(t *testing.T) {
			s := onStage(t)
			s.on("GET /billing/invoices/in_1/pdf", prepared{status: 302, header: map[string]string{"Location": link}})
			_, err := links(t.Context(), s.Client)
			require.Error(t, err)
			assert.Len(t, s.requests(), 1)
		})
		t.Run("the sandbox has two", func(t *testing.T) {
			_, client := inSandbox(t)
			_, err := fund25(t, client, "pm_card_visa")
			require.NoError(t, err)
			bills, err := client.Billing.Invoices(t.Context())
			require.NoError(t, err)
			require.Len(t, bills, 1)
			got, err := client.Billing.InvoiceLinks(t.Context(), bills[0].ID)
			require.NoError(t, err)
			assert.Equal(t, got.ReceiptURL+".pdf", got.PDFURL)
			assert.NotEmpty(t, got.ReceiptURL)
		})
	})
}

func redeemBonus(ctx context.Context, c *modelslab.Client) (any, error) {
	return two(c.Wallet.RedeemCoupon(ctx, modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: "pm_1Card", PurchaseAmount: modelslab.Dollars(25)}))
}

func changePlan(ctx context.Context, c *modelslab.Client) (any, error) {
	return two(c.Subscriptions.ChangePlan(ctx, 45, modelslab.SubscriptionChangePlanParams{NewPlanID: 11}))
}

func TestContradictionsOfMoney(t *testing.T) {
	t.Run("the minimum top-up is the server's to enforce", func(t *testing.T) {
		link := prepared{status: 200, body: "testdata/billing_payment_link.json"}
		sends(t, `POST /wallet/fund {"amount":0.01,"payment_method_id":"pm_1Card"}`, fundCall,
			prepared{status: 200, body: `{"data":{"payment":{"status":"succeeded"}}}`}, func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Cents(1), PaymentMethodID: "pm_1Card"}))
			})
		sends(t, `POST /wallet/fund {"amount":0.01}`, fundCall, link, func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Wallet.FundCheckout(ctx, modelslab.WalletFundCheckoutParams{Amount: modelslab.Cents(1)}))
		})
		sends(t, `POST /billing/payment-link {"purpose":"fund","amount":0.01}`, "POST /billing/payment-link", link, func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Cents(1)}))
		})
		for name, sum := range map[string]modelslab.Amount{"nothing": {}, "less than nothing": modelslab.Cents(-1000)} {
			runBadInput(t, []badInput{
				{name + " is refused here: fund", "WalletFundParams.Amount", func(ctx context.Context, c *modelslab.Client) error {
					return second(c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: sum, PaymentMethodID: "pm_1Card"}))
				}},
				{name + " is refused here: checkout", "WalletFundCheckoutParams.Amount", func(ctx context.Context, c *modelslab.Client) error {
					return second(c.Wallet.FundCheckout(ctx, modelslab.WalletFundCheckoutParams{Amount: sum}))
				}},
				{name + " is refused here: link", "PaymentLinkParams.Amount", func(ctx context.Context, c *modelslab.Client) error {
					return second(c.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: sum}))
				}},
			})
		}
		t.Run("the plans may tell it", func(t *testing.T) {
			minimum := func(ctx context.Context, c *modelslab.Client) (any, error) {
				got, err := c.Subscriptions.Plans(ctx)
				if err != nil {
					return nil, err
				}
				return got.PayAsYouGo.MinimumTopupUSD, nil
			}
			understands(t, "GET /subscriptions/plans", minimum, append(
				alike(modelslab.Ptr(modelslab.Dollars(15)),
					`{"data":{"subscription_plans":[],"pay_as_you_go":{"minimum_topup_usd":15.00}}}`, `{"data":{"subscription_plans":[],"pay_as_you_go":{"minimum_topup_usd":"15"}}}`),
				alike((*modelslab.Amount)(nil),
					`{"data":{"subscription_plans":[],"pay_as_you_go":{"minimum_topup_usd":null}}}`, `{"data":{"subscription_plans":[],"pay_as_you_go":{"available":true}}}`)...))
		})
		for name, tt := range map[string]struct {
			opts  []sandbox.Option
			least int64
		}{
			"the sandbox wants 10":                    {nil, 1000},
			"the sandbox wants what it is told to":    {[]sandbox.Option{sandbox.WithMinimumTopUp(1500)}, 1500},
			"the sandbox wants less if it is told to": {[]sandbox.Option{sandbox.WithMinimumTopUp(1)}, 1},
		} {
			t.Run(name, func(t *testing.T) {
				srv, client := inSandbox(t, tt.opts...)
				plans, err := client.Subscriptions.Plans(t.Context())
				require.NoError(t, err)
				assert.Equal(t, modelslab.Cents(tt.least), *plans.PayAsYouGo.MinimumTopupUSD)
				if tt.least > 1 {
					_, err = client.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Cents(tt.least - 1), PaymentMethodID: "pm_card_visa"})
					complains(t, err, "amount")
					_, err = client.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Cents(tt.least - 1)})
					complains(t, err, "amount")
				}
				_, err = client.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Cents(tt.least), PaymentMethodID: "pm_card_visa"})
				require.NoError(t, err)
				assert.Equal(t, tt.least, cents(srv))
			})
		}
	})

	t.Run("auto-funding sends auto_charge_amount and charge_threshold", func(t *testing.T) {
		order := func(charge, threshold modelslab.Amount) doing {
			return func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Wallet.SetAutoFunding(ctx, modelslab.WalletSetAutoFundingParams{AutoChargeAmount: charge, ChargeThreshold: threshold}))
			}
		}
		sends(t, `PUT /wallet/auto-funding {"auto_charge_amount":5,"charge_threshold":1}`, "PUT /wallet/auto-funding", done, order(modelslab.Dollars(5), modelslab.Dollars(1)))
		sends(t, `PUT /wallet/auto-funding {"auto_charge_amount":25.5,"charge_threshold":10}`, "PUT /wallet/auto-funding", done, order(modelslab.Cents(2550), modelslab.Dollars(10)))
		runBadInput(t, []badInput{
			{"not less than 5", "WalletSetAutoFundingParams.AutoChargeAmount", func(ctx context.Context, c *modelslab.Client) error {
				return second(order(modelslab.Cents(499), modelslab.Dollars(1))(ctx, c))
			}},
			{"not below 1", "WalletSetAutoFundingParams.ChargeThreshold", func(ctx context.Context, c *modelslab.Client) error {
				return second(order(modelslab.Dollars(5), modelslab.Cents(99))(ctx, c))
			}},
		})
		t.Run("the sandbox knows no amount and no threshold", func(t *testing.T) {
			srv, client := inSandbox(t)
			attach(t, client, "pm_card_visa")
			_, err := byHand(t, client, http.MethodPut, "/wallet/auto-funding", fields{"amount": 5, "threshold": 1})
			complains(t, err, "auto_charge_amount", "charge_threshold")
			assert.Zero(t, cents(srv))
			got, err := order(modelslab.Dollars(5), modelslab.Dollars(1))(t.Context(), client)
			require.NoError(t, err)
			assert.True(t, got.(*modelslab.AutoFunding).Enabled)
			assert.EqualValues(t, 500, cents(srv), "the wallet was empty")
		})
	})

	t.Run("a plan is changed by new_plan_id", func(t *testing.T) {
		sends(t, `PUT /subscriptions/45 {"new_plan_id":11}`, "PUT /subscriptions/45", done, changePlan)
		t.Run("the sandbox knows no plan_id there", func(t *testing.T) {
			srv, client := inSandbox(t)
			attach(t, client, "pm_card_visa")
			bought, err := client.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})
			require.NoError(t, err)
			id := bought.Subscription.ID
			paid := cents(srv)
			_, err = byHand(t, client, http.MethodPut, "/subscriptions/"+strconv.FormatInt(int64(id), 10), fields{"plan_id": 21})
			complains(t, err, "new_plan_id")
			assert.Equal(t, paid, cents(srv))
			changed, err := client.Subscriptions.ChangePlan(t.Context(), id, modelslab.SubscriptionChangePlanParams{NewPlanID: 21})
			require.NoError(t, err)
			assert.EqualValues(t, 21, changed.Subscription.PlanID)
		})
	})

	t.Run("coupon validation is asked by POST where GET is refused with Allow: POST, and not on any other 405", func(t *testing.T) {
		const (
			byGet  = "GET /wallet/coupons/validate?coupon_code=WELCOME5"
			byPost = `POST /wallet/coupons/validate {"coupon_code":"WELCOME5"}`
		)
		coupon := prepared{status: 200, body: `{"data":{"valid":true,"amount":5}}`}
		refusal := func(status int, allow string) prepared {
			header := map[string]string{}
			if allow != "" {
				header["Allow"] = allow
			}
			return prepared{status: status, body: `{"message":"The GET method is not supported for this route. Supported methods: POST."}`, header: header}
		}
		validate := func(c *modelslab.Client, sum modelslab.Amount) (*modelslab.Coupon, error) {
			return c.Wallet.ValidateCoupon(t.Context(), modelslab.WalletValidateCouponParams{CouponCode: "WELCOME5", PurchaseAmount: sum})
		}
		for name, tt := range map[string]struct {
			get  prepared
			sent string
			is   error
		}{
			"GET answers":              {coupon, byGet, nil},
			"Allow: POST":              {refusal(405, "POST"), byGet + "\n" + byPost, nil},
			"Allow: OPTIONS, POST":     {refusal(405, "OPTIONS, POST"), byGet + "\n" + byPost, nil},
			"405 without Allow":        {refusal(405, ""), byGet, modelslab.ErrNotFound},
			"Allow: PUT":               {refusal(405, "PUT"), byGet, modelslab.ErrNotFound},
			"404 with Allow: POST":     {refusal(404, "POST"), byGet, modelslab.ErrNotFound},
			"422 for a coupon too old": {prepared{status: 422, body: "testdata/validation_error.json"}, byGet, modelslab.ErrValidation},
			"401 although Allow: POST": {refusal(401, "POST"), byGet, modelslab.ErrUnauthenticated},
			"403 although Allow: POST": {refusal(403, "POST"), byGet, modelslab.ErrPermissionDenied},
		} {
			t.Run(name, func(t *testing.T) {
				s := onStage(t)
				s.on(byGet, tt.get)
				s.on("POST /wallet/coupons/validate", coupon)
				got, err := validate(s.Client, modelslab.Amount{})
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				} else {
					require.NoError(t, err)
					assert.Equal(t, &modelslab.Coupon{CouponCode: "WELCOME5", Valid: true, Amount: modelslab.Ptr(modelslab.Dollars(5))}, got)
				}
				assert.Equal(t, tt.sent, s.wire())
				for _, r := range s.requests() {
					assert.Empty(t, r.Header.Get("Idempotency-Key"), "it changes nothing")
				}
			})
		}
		t.Run("once", func(t *testing.T) {
			s := onStage(t)
			s.on(byGet, refusal(405, "POST"))
			s.on("POST /wallet/coupons/validate", refusal(405, "POST"))
			_, err := validate(s.Client, modelslab.Amount{})
			require.ErrorIs(t, err, modelslab.ErrNotFound)
			assert.Equal(t, byGet+"\n"+byPost, s.wire())
		})
		t.Run("with the purchase", func(t *testing.T) {
			s := onStage(t)
			s.on(byGet+"&purchase_amount=25.5", refusal(405, "POST"))
			s.on("POST /wallet/coupons/validate", coupon)
			_, err := validate(s.Client, modelslab.Cents(2550))
			require.NoError(t, err)
			assert.Equal(t, byGet+"&purchase_amount=25.5\n"+`POST /wallet/coupons/validate {"coupon_code":"WELCOME5","purchase_amount":25.5}`, s.wire())
		})
		sends(t, `POST /wallet/coupons/redeem {"coupon_code":"BONUS10","payment_method_id":"pm_1Card","purchase_amount":25}`,
			"POST /wallet/coupons/redeem", prepared{status: 200, body: `{"data":{"payment":{"status":"succeeded"}}}`}, redeemBonus)
		for name, tt := range map[string]struct {
			opts []sandbox.Option
			sent []string
		}{
			"the sandbox takes GET":                         {nil, []string{"GET"}},
			"the sandbox takes POST alone if it is told to": {[]sandbox.Option{sandbox.WithCouponValidationByPost()}, []string{"GET", "POST"}},
		} {
			t.Run(name, func(t *testing.T) {
				srv, client := inSandbox(t, tt.opts...)
				got, err := validate(client, modelslab.Amount{})
				require.NoError(t, err)
				assert.True(t, got.Valid)
				var sent []string
				for _, r := range srv.Requests() {
					sent = append(sent, r.Method)
				}
				assert.Equal(t, tt.sent, sent)
				for _, call := range []struct {
					method, path string
					in           any
				}{{http.MethodPost, "/wallet/coupons/validate", fields{"code": "WELCOME5"}}, {http.MethodPost, "/wallet/coupons/redeem", fields{"code": "WELCOME5"}}} {
					_, err := byHand(t, client, call.method, call.path, call.in)
					complains(t, err, "coupon_code")
				}
			})
		}
	})

	t.Run("a balance stands in the data or in its wallet", func(t *testing.T) {
		understands(t, "GET /wallet/balance", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Wallet.Balance(ctx)) }, append(
			alike(&modelslab.Balance{Balance: modelslab.Cents(7550), Currency: "USD"},
				`{"data":{"balance":75.50,"currency":"USD"}}`,
				`{"data":{"wallet":{"balance":75.50,"currency":"USD"}}}`,
				`{"data":{"wallet":{"balance":"75.50"},"currency":"USD"}}`,
				`{"data":{"wallet_balance":"75.5","currency":"USD"}}`,
				`{"data":{"balance":75.5,"currency":"USD","wallet":[]}}`,
				`{"data":{"balance":null,"wallet":{"balance":75.5,"currency":"USD"}}}`,
				`{"balance":75.5,"currency":"USD"}`,
			),
			saying{"nowhere", `{"data":{"currency":"USD"}}`, nil},
			saying{"null is not zero", `{"data":{"balance":null,"currency":"USD"}}`, nil},
		))
	})

	t.Run("transactions are a list alone or one among other facts", func(t *testing.T) {
		row := modelslab.Transaction{
			ID: 456, Source: "stripe", TransactionID: "pi_1", Type: modelslab.TransactionCredit, Amount: modelslab.Dollars(25), Status: "success",
			UseCase: "wallet_funding", Description: "Wallet funding", CreatedAt: *on(2026, 2, 15, 10, 0),
		}
		const list = `[{"id":456,"source":"stripe","transaction_id":"pi_1","type":"credit","amount":25.00,"status":"success","usecase":"wallet_funding","description":"Wallet funding","created_at":"2026-02-15T10:00:00Z"}]`
		alone := &modelslab.TransactionPage{Items: []modelslab.Transaction{row}, Count: 1}
		understands(t, "GET /wallet/transactions", func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Wallet.Transactions(ctx, modelslab.TransactionsParams{}))
		}, []saying{
			{"among other facts", `{"data":{"items":` + list + `,"count":1,"total":12,"wallet":{"balance":75.50,"currency":"USD","total_credited":150.00,"amount_used":74.50}}}`, &modelslab.TransactionPage{
				Items: []modelslab.Transaction{row}, Count: 1, Total: 12, Wallet: modelslab.WalletSummary{
					Balance: modelslab.Ptr(modelslab.Cents(7550)), Currency: "USD", TotalCredited: modelslab.Ptr(modelslab.Dollars(150)), AmountUsed: modelslab.Ptr(modelslab.Cents(7450)),
				},
			}},
			{"alone", `{"data":` + list + `}`, alone},
			{"quite alone", list, alone},
		})
	})

	t.Run("plans are a list alone or one beside pay as you go", func(t *testing.T) {
		plan := func(period, description string) modelslab.Plan {
			return modelslab.Plan{ID: 10, Name: "Basic", Category: "enterprise", Type: "basic", Period: period, Description: description, Price: modelslab.Ptr(modelslab.Dollars(249))}
		}
		const head = `{"id":10,"name":"Basic","category":"enterprise","type":"basic","price":249.0`
		alone := &modelslab.Plans{SubscriptionPlans: []modelslab.Plan{plan("monthly", "For one.")}}
		understands(t, "GET /subscriptions/plans", plans, append(
			alike(alone,
				`{"data":{"subscription_plans":[`+head+`,"period":"monthly","description":"For one."}],"count":1}}`,
				`{"data":[`+head+`,"interval":"monthly","description":"For one."}]}`,
				`{"data":[`+head+`,"period":"monthly","interval":"yearly","description":"For one."}]}`,
				`{"data":[`+head+`,"period":null,"interval":"monthly","description":"For one."}]}`,
			),
			saying{"beside it", `{"data":{"subscription_plans":[` + head + `,"period":"monthly"}],"pay_as_you_go":{"available":true,"description":"Top up.","minimum_topup_usd":10.00,"currency":"USD"},"count":37}}`, &modelslab.Plans{
				SubscriptionPlans: []modelslab.Plan{plan("monthly", "")},
				PayAsYouGo:        &modelslab.PayAsYouGo{Available: true, Description: "Top up.", MinimumTopupUSD: modelslab.Ptr(modelslab.Dollars(10)), Currency: "USD"},
			}},
		))
	})

	t.Run("an amount that is charged or set is treated as if it was charged", func(t *testing.T) {
		const call = "POST /subscriptions/charge-amount"
		charge := func(sum modelslab.Amount, opts ...modelslab.RequestOption) doing {
			return func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Subscriptions.ChargeAmount(ctx, modelslab.SubscriptionChargeAmountParams{Amount: sum}, opts...))
			}
		}
		i := slices.IndexFunc(modelslab.Endpoints(), func(e modelslab.Endpoint) bool { return e.Call == "Subscriptions.ChargeAmount" })
		require.GreaterOrEqual(t, i, 0)
		row := modelslab.Endpoints()[i]
		assert.True(t, row.Spends)
		assert.Equal(t, modelslab.RepeatKeyed, row.Repeat)
		assert.Equal(t, modelslab.LimiterBilling, row.Limiter)
		understands(t, call, charge(modelslab.Dollars(25)), []saying{
			{"it was charged", `{"data":{"payment":{"status":"succeeded","payment_intent_id":"pi_1","amount":25},"message":"Charged."}}`, &modelslab.AmountCharge{Status: "succeeded", PaymentIntentID: "pi_1", Message: "Charged.", Amount: modelslab.Dollars(25)}},
			{"it was set", `{"data":{"message":"The amount is set."}}`, &modelslab.AmountCharge{Message: "The amount is set.", Amount: modelslab.Dollars(25)}},
			{"it failed", `{"data":{"payment":{"status":"failed"}}}`, nil},
		})
		t.Run("always with a key, and repeated under it", func(t *testing.T) {
			s := onStage(t)
			s.on(call, prepared{status: 503}, prepared{err: io.ErrUnexpectedEOF}, done)
			_, err := charge(modelslab.Dollars(25))(t.Context(), s.Client)
			require.NoError(t, err)
			keys := s.keys("/charge-amount")
			require.Len(t, keys, 3)
			assert.Regexp(t, randomKey, keys[0])
			assert.Len(t, slices.Compact(keys), 1)
			assert.Equal(t, `{"amount":25}`, s.requests()[2].body)
		})
		t.Run("an answer that is lost leaves it open", func(t *testing.T) {
			s := onStage(t)
			s.on(call, prepared{status: 502})
			_, err := charge(modelslab.Dollars(25))(t.Context(), s.Client)
			var open *modelslab.OutcomeUnknownError
			require.ErrorAs(t, err, &open)
			assert.Equal(t, modelslab.Dollars(25), open.Amount)
			assert.Equal(t, s.keys("/charge-amount")[0], open.IdempotencyKey)
		})
		var outOfBounds []badInput
		for name, sum := range map[string]modelslab.Amount{"too little": modelslab.Cents(499), "too much": modelslab.Cents(1000001)} {
			outOfBounds = append(outOfBounds, badInput{name, "SubscriptionChargeAmountParams.Amount", func(ctx context.Context, c *modelslab.Client) error { return second(charge(sum)(ctx, c)) }})
		}
		runBadInput(t, outOfBounds)
		t.Run("the sandbox charges it once for a key", func(t *testing.T) {
			srv, client := inSandbox(t)
			attach(t, client, "pm_card_visa")
			for range 2 {
				_, err := charge(modelslab.Dollars(5), modelslab.WithIdempotencyKey("charge-5-once"))(t.Context(), client)
				require.NoError(t, err)
			}
			assert.EqualValues(t, 500, cents(srv))
			_, err := charge(modelslab.Dollars(5))(t.Context(), client)
			require.NoError(t, err)
			assert.EqualValues(t, 1000, cents(srv), "another key is another charge")
		})
	})

	t.Run("the ledger is read where there is one", func(t *testing.T) {
		assert.True(t, slices.ContainsFunc(modelslab.Endpoints(), func(e modelslab.Endpoint) bool {
			return e.Name == "wallet.transactions" && e.Method == http.MethodGet && e.Path == "/wallet/transactions" && e.Bearer
		}))
		sends(t, "GET /wallet/transactions?limit=5&offset=10&type=debit", "GET /wallet/transactions?limit=5&offset=10&type=debit", prepared{status: 200, body: `{"data":[]}`},
			func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Wallet.Transactions(ctx, modelslab.TransactionsParams{Type: modelslab.TransactionDebit, Limit: 5, Offset: 10}))
			})
		t.Run("a sandbox without it", func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
				_, err := client.Wallet.Transactions(t.Context(), modelslab.TransactionsParams{})
				require.ErrorIs(t, err, modelslab.ErrNotFound)
				link := link25(t, client)
				require.NoError(t, srv.CompleteCheckout(link.SessionID))
				paid, err := client.Wallet.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
				require.NoError(t, err, "waiting for a human goes without it")
				assert.Equal(t, modelslab.Dollars(25), *paid.Balance)
				assert.Equal(t, modelslab.Dollars(25), balance(t, client))
			}, sandbox.WithoutRoute("wallet.transactions"))
		})
		t.Run("a sandbox with it", func(t *testing.T) {
			_, client := inSandbox(t)
			_, err := fund25(t, client, "pm_card_visa")
			require.NoError(t, err)
			page, err := client.Wallet.Transactions(t.Context(), modelslab.TransactionsParams{})
			require.NoError(t, err)
			assert.Equal(t, 1, page.Total)
		})
	})
}

// What has to be read whatever it looks like.
func TestOdditiesOfAnswers(t *testing.T) {
	const balanceCall = "GET /wallet/balance"
	readBalance := func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Wallet.Balance(ctx)) }
	one := &modelslab.Balance{Balance: modelslab.Dollars(1), Currency: "USD"}

	t.Run("an envelope lacks any of its parts, or is not there", func(t *testing.T) {
		for body, id := range map[string]string{
			`{"data":{"balance":1,"currency":"USD"},"error":null,"meta":{"request_id":"r1"}}`: "r1",
			`{"data":{"balance":1,"currency":"USD"},"meta":{"request_id":"r1"}}`:              "r1",
			`{"data":{"balance":1,"currency":"USD"},"error":null}`:                            "",
			`{"data":{"balance":1,"currency":"USD"},"error":null,"meta":{}}`:                  "",
			`{"data":{"balance":1,"currency":"USD"},"error":null,"meta":[]}`:                  "",
			`{"data":{"balance":1,"currency":"USD"},"error":null,"meta":null}`:                "",
			`{"data":{"balance":1,"currency":"USD"}}`:                                         "",
			`{"balance":1,"currency":"USD","meta":{"request_id":"r1"}}`:                       "r1",
			`{"balance":1,"currency":"USD"}`:                                                  "",
		} {
			for _, header := range []string{"", "h1"} {
				s := onStage(t)
				s.on(balanceCall, prepared{status: 200, body: body, header: map[string]string{"X-Request-Id": header}})
				var resp modelslab.Response
				got, err := s.Wallet.Balance(t.Context(), modelslab.WithResponse(&resp))
				require.NoError(t, err, body)
				assert.Equal(t, one, got)
				want := id
				if want == "" {
					want = header
				}
				assert.Equal(t, want, resp.RequestID, body)
			}
		}
		understands(t, "POST /billing/payment-link", func(ctx context.Context, c *modelslab.Client) (any, error) {
			link, err := c.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe, PlanID: 10})
			if err != nil {
				return nil, err
			}
			return link.SessionID, nil
		}, alike("cs_test_a1", `{"payment_url":"https://pay.example/p","session_id":"cs_test_a1"}`, `{"data":{"payment_url":"https://pay.example/p","session_id":"cs_test_a1"}}`))
	})

	t.Run("an error is null, an object, a text, or two members of the framework's", func(t *testing.T) {
		understands(t, balanceCall, readBalance, alike(one,
			`{"data":{"balance":1,"currency":"USD"},"error":null}`, `{"data":{"balance":1,"currency":"USD"},"error":[]}`,
			`{"data":{"balance":1,"currency":"USD"},"error":""}`, `{"data":{"balance":1,"currency":"USD"},"error":false}`,
		))
		type told struct {
			code, message string
			fields        map[string][]string
		}
		wrong := map[string][]string{"amount": {"Too small."}}
		for body, want := range map[string]told{
			`{"data":null,"error":{"code":"validation_error","message":"No.","details":{"amount":["Too small."]}},"meta":{}}`: {"validation_error", "No.", wrong},
			`{"error":{"code":"validation_error","message":"No."},"message":"Outer."}`:                                        {"validation_error", "No.", nil},
			`{"error":{"code":"validation_error"},"message":"No."}`:                                                           {"validation_error", "No.", nil},
			`{"error":"No.","code":"validation_error"}`:                                                                       {"validation_error", "No.", nil},
			`{"error":"Inner.","message":"No."}`:                                                                              {"", "No.", nil},
			`{"error":"No."}`:                                                                                                 {"", "No.", nil},
			`{"message":"No.","errors":{"amount":["Too small."]}}`:                                                            {"", "No.", wrong},
			`{"message":"No.","errors":{"amount":"Too small."}}`:                                                              {"", "No.", wrong},
			`{"message":"No."}`:                                          {"", "No.", nil},
			`{"status":"error","message":"No."}`:                         {"", "No.", nil},
			`{"status":"error","messege":"No."}`:                         {"", "No.", nil},
			`{"error":{"code":"a_word_of_next_year","message":"No."}}`:   {"a_word_of_next_year", "No.", nil},
			`<html><head><title>No.</title></head><body>…</body></html>`: {"", "No.", nil},
			``:   {"", "Unprocessable Entity", nil},
			`{}`: {"", "Unprocessable Entity", nil},
		} {
			s := onStage(t)
			s.on(fundCall, prepared{status: 422, body: body})
			_, err := fund()(t.Context(), s.Client)
			require.ErrorIs(t, err, modelslab.ErrValidation, body)
			var api *modelslab.APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, want, told{api.Code, api.Message, api.Fields}, body)
			assert.Len(t, s.requests(), 1)
		}
	})

	t.Run("details are lists, scalars, an empty list, or absent", func(t *testing.T) {
		for _, tt := range []struct {
			status  int
			code    string
			details string
			is      error
			fields  map[string][]string
		}{
			{422, "validation_error", `{"email":["Taken.","Too short."],"name":"Missing."}`, modelslab.ErrValidation, map[string][]string{"email": {"Taken.", "Too short."}, "name": {"Missing."}}},
			{422, "validation_error", `{"email":["Taken."],"retry":true,"count":2}`, modelslab.ErrValidation, map[string][]string{"email": {"Taken."}}},
			{422, "validation_error", `[]`, modelslab.ErrValidation, nil},
			{401, "invalid_credentials", `[]`, modelslab.ErrUnauthenticated, nil},
			{403, "email_not_verified", `{"verification_required":true}`, modelslab.ErrPermissionDenied, nil},
			{403, "insufficient_scope", `{"required_scope":"wallet:write","granted_scopes":["wallet:read"]}`, modelslab.ErrPermissionDenied, nil},
			{403, "access_denied", ``, modelslab.ErrPermissionDenied, nil},
			{402, "payment_declined", `{"decline_code":"lost_card"}`, modelslab.ErrPaymentDeclined, nil},
			{402, "payment_declined", `[]`, modelslab.ErrPaymentDeclined, nil},
			{402, "payment_declined", ``, modelslab.ErrPaymentDeclined, nil},
		} {
			s := onStage(t)
			details := ""
			if tt.details != "" {
				details = `,"details":` + tt.details
			}
			s.on(fundCall, prepared{status: tt.status, body: `{"data":null,"error":{"code":"` + tt.code + `","message":"No."` + details + `}}`})
			_, err := fund()(t.Context(), s.Client)
			require.ErrorIs(t, err, tt.is, tt.details)
			var api *modelslab.APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, tt.code, api.Code)
			assert.Equal(t, tt.details, string(api.Details), "kept as sent")
			assert.Equal(t, tt.fields, api.Fields, tt.details)
			var declined *modelslab.PaymentDeclinedError
			if errors.As(err, &declined) {
				assert.Equal(t, strings.Contains(tt.details, "lost_card"), declined.DeclineCode == "lost_card")
				assert.Empty(t, declined.PaymentIntentID)
			}
		}
	})

	t.Run("a page comes instead of JSON, and nothing where something was due", func(t *testing.T) {
		const page = "<!DOCTYPE html>\n<html><head><title>Just a moment</title></head><body>" + "<p>many words</p>" + "</body></html>"
		html := map[string]string{"Content-Type": "text/html; charset=UTF-8"}
		for status, is := range map[int][2]error{
			200: {modelslab.ErrServer, modelslab.ErrOutcomeUnknown}, // a login page, after somebody else's redirect
			403: {modelslab.ErrPermissionDenied, modelslab.ErrPermissionDenied},
			429: {modelslab.ErrRateLimited, modelslab.ErrRateLimited},
			502: {modelslab.ErrServer, modelslab.ErrOutcomeUnknown}, 503: {modelslab.ErrServer, modelslab.ErrOutcomeUnknown}, 504: {modelslab.ErrServer, modelslab.ErrOutcomeUnknown},
			520: {modelslab.ErrServer, modelslab.ErrOutcomeUnknown}, 521: {modelslab.ErrServer, modelslab.ErrOutcomeUnknown}, 522: {modelslab.ErrServer, modelslab.ErrOutcomeUnknown},
			523: {modelslab.ErrServer, modelslab.ErrOutcomeUnknown}, 524: {modelslab.ErrServer, modelslab.ErrOutcomeUnknown},
		} {
			t.Run(strconv.Itoa(status), func(t *testing.T) {
				for i, call := range []doing{readBalance, fund()} {
					s := onStage(t, modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1}))
					s.on(balanceCall, prepared{status: status, body: page, header: html})
					s.on(fundCall, prepared{status: status, body: page, header: html})
					got, err := call(t.Context(), s.Client)
					require.ErrorIs(t, err, is[i])
					assert.Nil(t, got)
					var api *modelslab.APIError
					require.ErrorAs(t, err, &api)
					assert.Equal(t, status, api.StatusCode)
					assert.Empty(t, api.Code)
					assert.NotContains(t, err.Error(), "many words")
					assert.NotContains(t, err.Error(), "log in", "a proxy knows nothing of credentials")
					if status != 200 {
						assert.Equal(t, "Just a moment", api.Message)
					}
				}
			})
		}
		t.Run("a redirect to a login page is not followed", func(t *testing.T) {
			for _, status := range []int{301, 302, 303, 307, 308} {
				s := onStage(t)
				s.on(balanceCall, prepared{status: status, body: page, header: map[string]string{"Location": "https://modelslab.com/login"}})
				_, err := readBalance(t.Context(), s.Client)
				require.ErrorContains(t, err, "redirect")
				assert.Len(t, s.requests(), 1)
			}
		})
		t.Run("nothing", func(t *testing.T) {
			for _, status := range []int{200, 201, 204} {
				s := onStage(t)
				for _, call := range []string{"POST /auth/logout", "DELETE /api-keys/31", "DELETE /billing/payment-methods/pm_1Card", "POST /teams/7/resend-invite", balanceCall, fundCall} {
					s.on(call, prepared{status: status})
				}
				require.NoError(t, s.APIKeys.Delete(t.Context(), 31))
				require.NoError(t, s.Billing.DeletePaymentMethod(t.Context(), "pm_1Card"))
				require.NoError(t, s.Teams.ResendInvite(t.Context(), 7))
				require.NoError(t, s.Auth.Logout(t.Context()))
				_, err := readBalance(t.Context(), s.Client)
				require.Error(t, err, "an empty answer is no balance")
				_, err = fund()(t.Context(), s.Client)
				require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown, "and no payment")
			}
		})
	})

	t.Run("a list has many forms, and its total three places", func(t *testing.T) {
		const a, b = `{"model_id":"a","model_name":"A"}`, `{"model_id":"b","model_name":"B"}`
		items := []modelslab.Model{{ModelID: "a", ModelName: "A"}, {ModelID: "b", ModelName: "B"}}
		page := func(total int) *modelslab.ModelPage { return &modelslab.ModelPage{Items: items, Total: total} }
		whole := &modelslab.ModelPage{Items: items, Total: 12, CurrentPage: 1, PerPage: 2, LastPage: 6}
		const extent = `"current_page":1,"per_page":2,"last_page":6,"total":12`
		understands(t, "GET /models", func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Models.Search(ctx, modelslab.ModelSearchParams{}))
		}, slices.Concat(
			alike(page(0), `[`+a+`,`+b+`]`, `{"data":[`+a+`,`+b+`]}`, `{"data":{"items":[`+a+`,`+b+`]}}`, `{"data":{"models":[`+a+`,`+b+`]}}`, `{"data":{"a":{"model_name":"A"},"b":{"model_name":"B"}}}`),
			alike(page(12), `{"data":{"items":[`+a+`,`+b+`],"count":2,"total":12}}`, `{"data":{"items":[`+a+`,`+b+`],"pagination":{"total":"12"}}}`, `{"data":[`+a+`,`+b+`],"meta":{"total":12}}`),
			alike(whole,
				`{"data":{"items":[`+a+`,`+b+`],"pagination":{`+extent+`,"from":1,"to":2}}}`, `{"data":{"data":[`+a+`,`+b+`],`+extent+`,"next_page_url":null}}`,
				`{"data":[`+a+`,`+b+`],`+extent+`}`, `{"data":[`+a+`,`+b+`],"links":{"next":null},"meta":{`+extent+`}}`),
			alike(&modelslab.ModelPage{Items: []modelslab.Model{}}, `[]`, `{"data":[]}`, `{"data":{}}`, `{"data":{"items":[]}}`),
			[]saying{{"nothing", `{"data":null}`, nil}, {"a text", `{"data":{"items":"none"}}`, nil}},
		))
		understands(t, "GET /usage/products", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Usage.Products(ctx)) },
			alike([]modelslab.ProductUsage{{Product: "imagen", Calls: 3}, {Product: "audio", Calls: 1}},
				`{"data":[{"product":"imagen","requests":3},{"product":"audio","requests":"1"}]}`, `{"data":{"items":[{"name":"imagen","calls":3},{"name":"audio","calls":1}]}}`,
				`{"data":{"imagen":{"calls":3},"audio":{"calls":1}}}`, `{"data":{"products":[{"product":"imagen","calls":3},{"product":"audio","calls":1}]}}`,
			))
		understands(t, "GET /subscriptions", list, alike([]modelslab.Subscription{{ID: 45, Status: "active"}, {ID: 46, Status: "paused"}},
			`{"data":[{"id":45,"status":"active"},{"id":46,"status":"paused"}]}`, `{"data":{"addon":[],"enterprise":[{"id":45,"status":"active"}],"normal":[{"id":46,"status":"paused"}]}}`))
		understands(t, "GET /teams", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Teams.List(ctx)) },
			alike([]modelslab.TeamMember{{ID: 7, Email: "eve@example.com", Status: "accepted"}, {ID: 8, Email: "bob@example.com", Status: "pending"}},
				`{"data":[{"id":7,"email":"eve@example.com","status":"accepted"},{"id":8,"email":"bob@example.com","status":"pending"}]}`,
				`{"data":{"members":[{"id":7,"email":"eve@example.com","status":"accepted"}],"invites":[{"id":8,"email":"bob@example.com"}]}}`,
				`{"data":{"members":[{"id":7,"email":"eve@example.com","status":"accepted"}],"invitations":[{"id":8,"email":"bob@example.com"}]}}`,
			))
	})

	t.Run("a 2xx is no payment while the holder is asked", func(t *testing.T) {
		const wait = `{"data":{"payment":{"status":"requires_action","payment_intent_id":"pi_3Wait","client_secret":"pi_3Wait_secret_hush"},"message":"Authenticate."}}`
		for _, status := range []int{200, 201, 202} {
			for on, call := range map[string]doing{fundCall: fund(), subscribeCall: subscribe, "POST /wallet/coupons/redeem": redeemBonus, "PUT /subscriptions/45": changePlan} {
				for _, body := range []string{wait, `{"data":{"status":"requires_action","payment_intent_id":"pi_3Wait","client_secret":"pi_3Wait_secret_hush"}}`, strings.TrimSuffix(strings.TrimPrefix(wait, `{"data":`), `}`)} {
					s := onStage(t)
					s.on(on, prepared{status: status, body: body})
					got, err := call(t.Context(), s.Client)
					assert.Nil(t, got)
					assert.Equal(t, "pi_3Wait", holderWanted(t, err))
					var action *modelslab.RequiresActionError
					require.ErrorAs(t, err, &action)
					assert.Equal(t, "pi_3Wait_secret_hush", action.ClientSecret.Reveal())
					assert.Len(t, s.requests(), 1)
				}
			}
		}
		t.Run("202 without a word is no payment either", func(t *testing.T) {
			for on, call := range map[string]doing{fundCall: fund(), subscribeCall: subscribe, "POST /wallet/coupons/redeem": redeemBonus} {
				for _, body := range []string{``, doneBody} {
					s := onStage(t)
					s.on(on, prepared{status: 202, body: body})
					got, err := call(t.Context(), s.Client)
					require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
					assert.Nil(t, got)
				}
			}
		})
	})

	t.Run("one thing has several names", func(t *testing.T) {
		understands(t, "GET /models/flux", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Models.Get(ctx, "flux")) },
			alike(&modelslab.Model{ModelID: "flux", ModelName: "Flux", Provider: "BFL", ModelType: "imagen"},
				`{"data":{"model_id":"flux","model_name":"Flux","provider":"BFL","model_type":"imagen"}}`,
				`{"data":{"model_id":"flux","name":"Flux","model_category":"BFL","feature":"imagen"}}`,
				`{"data":{"model_id":"flux","title":"Flux","provider":"","model_category":"BFL","model_type":null,"feature":"imagen"}}`,
				`{"data":{"model_id":"flux","title":"C","name":"B","model_name":"Flux","model_category":"C","provider":"BFL","feature":"F","model_type":"imagen"}}`,
			))
		understands(t, "GET /me", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Profile.Get(ctx)) },
			alike(&modelslab.Profile{ID: 123, AboutMe: "Programs.", WalletBalance: modelslab.Ptr(modelslab.Dollars(5))},
				`{"data":{"id":123,"about_me":"Programs.","wallet_balance":5}}`, `{"data":{"id":123,"about":"Programs.","wallet":{"balance":"5.00"}}}`, `{"data":{"user":{"id":123,"about":"Programs.","balance":5.0}}}`,
			))
		understands(t, "GET /subscriptions/plans", plans, alike(&modelslab.Plans{SubscriptionPlans: []modelslab.Plan{{ID: 10, Period: "monthly"}}},
			`{"data":[{"id":10,"period":"monthly"}]}`, `{"data":[{"id":10,"interval":"monthly"}]}`))
		understands(t, balanceCall, readBalance, alike(one,
			`{"data":{"balance":1,"currency":"USD"}}`, `{"data":{"wallet":{"balance":1,"currency":"USD"}}}`, `{"data":{"wallet_balance":1,"currency":"USD"}}`))
		understands(t, "POST /auth/verify-email", func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Auth.VerifyEmail(ctx, "c0de"))
		},
			alike(&modelslab.Session{AccessToken: modelslab.NewSecret("1|a")}, `{"data":{"access_token":"1|a"}}`, `{"data":{"token":"1|a"}}`))
	})

	t.Run("numbers, ids, booleans and currencies are written in several ways", func(t *testing.T) {
		row := modelslab.Transaction{ID: 456, Amount: modelslab.Dollars(25)}
		understands(t, "GET /wallet/transactions", func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Wallet.Transactions(ctx, modelslab.TransactionsParams{}))
		}, alike(&modelslab.TransactionPage{Items: []modelslab.Transaction{row}, Count: 1, Total: 12},
			`{"data":{"items":[{"id":456,"amount":25}],"count":1,"total":12}}`, `{"data":{"items":[{"id":"456","amount":"25.00"}],"count":"1","total":"12"}}`,
			`{"data":{"items":[{"id":456,"amount":25.00}],"count":1,"total":"12"}}`, `{"data":{"items":[{"id":"456","amount":2.5e1}],"count":1,"total":12}}`,
		))
		for want, words := range map[bool][]string{true: {`true`, `1`, `"1"`, `"true"`, `"yes"`}, false: {`false`, `0`, `"0"`, `"false"`, `"no"`, `null`, `""`}} {
			for _, word := range words {
				s := onStage(t)
				s.on("GET /models", prepared{status: 200, body: `{"data":[{"model_id":"a","is_nsfw":` + word + `}]}`})
				s.on("GET /billing/payment-methods", prepared{status: 200, body: `{"data":[{"id":"pm_1","exp_month":"12","exp_year":2027,"is_default":` + word + `}]}`})
				s.on("GET /me", prepared{status: 200, body: `{"data":{"id":"123","verified":` + word + `,"preferences":{"nsfw_content":` + word + `,"wallet_notification_enabled":true}}}`})
				models, err := s.Models.Search(t.Context(), modelslab.ModelSearchParams{})
				require.NoError(t, err)
				assert.Equal(t, want, models.Items[0].IsNSFW, word)
				cards, err := s.Billing.PaymentMethods(t.Context())
				require.NoError(t, err)
				assert.Equal(t, []modelslab.PaymentMethod{{ID: "pm_1", ExpMonth: 12, ExpYear: 2027, IsDefault: want}}, cards, word)
				me, err := s.Profile.Get(t.Context())
				require.NoError(t, err)
				assert.Equal(t, want, me.Verified, word)
				assert.Equal(t, want, me.Preferences.NSFWContent, word)
			}
		}
		for _, currency := range []string{"usd", "USD", "Usd"} {
			s := onStage(t)
			s.on(fundCall, prepared{status: 200, body: `{"data":{"payment":{"status":"succeeded","amount":"25","currency":"` + currency + `"},"balance":30,"currency":"USD"}}`})
			s.on("GET /payments/pi_1/status", prepared{status: 200, body: `{"data":{"status":"succeeded","amount":"25.00","currency":"` + currency + `"}}`})
			funding, err := fund()(t.Context(), s.Client)
			require.NoError(t, err, currency)
			assert.Equal(t, modelslab.Ptr(modelslab.Dollars(30)), funding.(*modelslab.Funding).Balance)
			payment, err := s.Wallet.PaymentStatus(t.Context(), "pi_1")
			require.NoError(t, err)
			assert.True(t, strings.EqualFold("usd", payment.Currency))
			assert.Equal(t, modelslab.Dollars(25), *payment.Amount)
		}
		t.Run("the sandbox prints amounts as text if it is told to", func(t *testing.T) {
			for _, opts := range [][]sandbox.Option{nil, {sandbox.WithAmountsAsStrings()}} {
				_, client := inSandbox(t, opts...)
				var resp modelslab.Response
				funding, err := fund25(t, client, "pm_card_visa", modelslab.WithResponse(&resp))
				require.NoError(t, err)
				assert.Equal(t, modelslab.Dollars(25), *funding.Balance)
				assert.Equal(t, opts != nil, strings.Contains(string(resp.Raw), `"25.00"`))
			}
		})
	})

	t.Run("what there is none of is null, absent or an empty list", func(t *testing.T) {
		understands(t, "POST /auth/verify-email", func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Auth.VerifyEmail(ctx, "c0de"))
		},
			alike(&modelslab.Session{AccessToken: modelslab.NewSecret("1|a")},
				`{"data":{"access_token":"1|a"}}`, `{"data":{"access_token":"1|a","api_key":null,"expires_at":null,"user":null,"message":null}}`, `{"data":{"access_token":"1|a","api_key":"","expires_at":""}}`))
		understands(t, "GET /auth/tokens", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Auth.Tokens(ctx)) },
			alike([]modelslab.AccessToken{{ID: 5, Name: "night"}},
				`{"data":[{"id":5,"name":"night"}]}`, `{"data":[{"id":5,"name":"night","last_used_at":null,"expires_at":null,"scopes":null}]}`, `{"data":[{"id":5,"name":"night","last_used_at":"","expires_at":""}]}`))
		understands(t, "GET /api-keys/31", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.APIKeys.Get(ctx, 31)) },
			alike(&modelslab.APIKey{ID: 31, Name: "night"}, `{"data":{"id":31,"name":"night"}}`, `{"data":{"id":31,"name":"night","notes":null,"key":null}}`))
		understands(t, "GET /models/flux", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Models.Get(ctx, "flux")) },
			alike(&modelslab.Model{ModelID: "flux", EndpointConfigurations: []modelslab.EndpointConfiguration{{Name: "text2img"}}},
				`{"data":{"model_id":"flux","endpoint_configurations":[{"name":"text2img"}]}}`, `{"data":{"model_id":"flux","endpoint_configurations":[{"name":"text2img","parameters":null,"config":null}]}}`,
				`{"data":{"model_id":"flux","endpoint_configurations":[{"name":"text2img","parameters":[]}]}}`))
		understands(t, "GET /me", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Profile.Get(ctx)) },
			alike(&modelslab.Profile{ID: 123}, `{"data":{"id":123}}`, `{"data":{"id":123,"preferences":[],"socials":[],"wallet":[]}}`, `{"data":{"id":123,"preferences":null,"socials":null,"wallet":null,"wallet_balance":null}}`))
		understands(t, "GET /billing/overview", func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Billing.Overview(ctx)) },
			alike(&modelslab.BillingOverview{}, `{"data":{}}`, `{"data":[]}`, `{"data":{"active_subscription":[],"wallet":[]}}`, `{"data":{"active_subscription":null,"total_charges":null,"wallet_balance":null}}`))
		understands(t, "GET /subscriptions/45/status", func(ctx context.Context, c *modelslab.Client) (any, error) {
			return two(c.Subscriptions.Status(ctx, 45))
		},
			append(
				alike(&modelslab.Subscription{ID: 45, Status: "active", NextBillingDate: on(2026, 2, 15, 10, 0)},
					`{"data":{"id":45,"status":"active","next_billing_date":"2026-02-15T10:00:00Z"}}`, `{"data":{"id":45,"status":"active","next_billing_date":"2026-02-15T10:00:00+00:00"}}`,
					`{"data":{"id":45,"status":"active","next_billing_date":"2026-02-15T10:00:00.000000Z"}}`, `{"data":{"id":45,"status":"active","next_billing_date":"2026-02-15 10:00:00"}}`,
					`{"data":{"id":45,"status":"active","next_billing_date":"2026-02-15T11:00:00+01:00"}}`),
				alike(&modelslab.Subscription{ID: 45, Status: "active"}, `{"data":{"id":45,"status":"active","next_billing_date":null}}`, `{"data":{"id":45,"status":"active","next_billing_date":""}}`)...))
	})

	t.Run("a replay is marked anywhere, and a limiter's end is a date or a delay", func(t *testing.T) {
		const payment = `"payment":{"status":"succeeded","amount":25}`
		for _, word := range []string{`true`, `1`, `"true"`, `false`, `0`, `"false"`, `null`} {
			marked := slices.Contains([]string{`true`, `1`, `"true"`}, word)
			flag, text := `"idempotency_replay":`+word, strings.Trim(word, `"`)
			for name, answer := range map[string]prepared{
				"meta":                 {status: 200, body: `{"data":{` + payment + `},"error":null,"meta":{"request_id":"r1",` + flag + `}}`},
				"data":                 {status: 200, body: `{"data":{` + payment + `,` + flag + `},"error":null,"meta":{}}`},
				"top":                  {status: 200, body: `{"data":{` + payment + `},` + flag + `}`},
				"bare":                 {status: 200, body: `{` + payment + `,` + flag + `}`},
				"Idempotency-Replay":   {status: 200, body: `{"data":{` + payment + `}}`, header: map[string]string{"Idempotency-Replay": text}},
				"Idempotent-Replayed":  {status: 200, body: `{"data":{` + payment + `}}`, header: map[string]string{"Idempotent-Replayed": text}},
				"X-Idempotency-Replay": {status: 200, body: `{"data":{` + payment + `}}`, header: map[string]string{"X-Idempotency-Replay": text}},
			} {
				s := onStage(t)
				s.on(fundCall, answer)
				var resp modelslab.Response
				_, err := fund(modelslab.WithResponse(&resp))(t.Context(), s.Client)
				require.NoError(t, err)
				assert.Equal(t, marked, resp.IdempotencyReplay, "%s: %s", name, word)
			}
		}
		for name, reset := range map[string]func() string{
			"a date":  func() string { return strconv.FormatInt(time.Now().Add(40*time.Second).Unix(), 10) },
			"a delay": func() string { return "40" },
			"missing": func() string { return "" },
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := onStage(t)
					header := map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset()}
					s.on(balanceCall, prepared{status: 200, body: `{"data":{"balance":1}}`, header: header}, prepared{status: 200, body: `{"data":{"balance":1}}`})
					start, ends := time.Now(), time.Now().Add(40*time.Second)
					balance(t, s.Client)
					state := s.RateLimit(modelslab.LimiterGeneral)
					assert.True(t, state.Known)
					assert.Zero(t, state.Remaining)
					if header["X-RateLimit-Reset"] == "" {
						assert.True(t, state.Reset.IsZero())
						ends = start // who knows no end does not wait
					} else {
						assert.True(t, state.Reset.Equal(ends), "%s", state.Reset)
					}
					balance(t, s.Client)
					assert.Equal(t, []time.Time{start, ends}, []time.Time{s.requests()[0].at, s.requests()[1].at})
				})
			})
		}
		for _, place := range []sandbox.ReplayPlace{
			sandbox.ReplayInMeta, sandbox.ReplayInData, sandbox.ReplayAtTopLevel, sandbox.ReplayHeaderIdempotencyReplay, sandbox.ReplayHeaderIdempotentReplayed, sandbox.ReplayHeaderXIdempotencyReplay, sandbox.ReplayUnmarked,
		} {
			for _, spelling := range []sandbox.ReplaySpelling{sandbox.ReplayTrue, sandbox.ReplayOne, sandbox.ReplayTrueText} {
				srv, client := inSandbox(t, sandbox.WithIdempotency(sandbox.Idempotency{Replay: place, Spelling: spelling}))
				for i, want := range []bool{false, true} { // the second one is the journal's word
					var resp modelslab.Response
					_, err := fund25(t, client, "pm_card_visa", modelslab.WithIdempotencyKey("fund-25-again"), modelslab.WithResponse(&resp))
					require.NoError(t, err)
					assert.Equal(t, want, resp.IdempotencyReplay, "%q, spelling %d, time %d", place, spelling, i+1)
				}
				assert.EqualValues(t, 2500, cents(srv), "charged once")
			}
		}
	})

	t.Run("words and members that nobody has foretold pass", func(t *testing.T) {
		for _, tt := range []struct {
			on   string
			body string
			call doing
			want any
		}{
			{"GET /payments/pi_1/status", `{"data":{"status":"on_the_moon","x_new":{"deep":[1]}}}`, func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Wallet.PaymentStatus(ctx, "pi_1"))
			}, &modelslab.PaymentStatus{Status: "on_the_moon"}},
			{"GET /subscriptions/45/status", `{"data":{"id":45,"status":"on_the_moon","feature":"moonshine","x_new":[[]]}}`, func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Subscriptions.Status(ctx, 45))
			}, &modelslab.Subscription{ID: 45, Status: "on_the_moon", Feature: "moonshine"}},
			{"GET /teams/7", `{"data":{"id":7,"role":"astronaut","status":"floating","x_new":null}}`, func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Teams.Get(ctx, 7))
			}, &modelslab.TeamMember{ID: 7, Role: "astronaut", Status: "floating"}},
		} {
			s := onStage(t)
			s.on(tt.on, prepared{status: 200, body: tt.body})
			got, err := tt.call(t.Context(), s.Client)
			require.NoError(t, err)
			assert.True(t, reflect.DeepEqual(tt.want, got), "%+v", got)
		}
	})
}
