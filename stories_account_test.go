package modelslab_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func TestStoryOfAProfile(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, profiles := t.Context(), w.client.Profile
		me, err := profiles.Get(ctx)
		require.NoError(t, err)
		same(t, w, "at first", me)
		assert.Equal(t, modelslab.ID(w.account.ID), me.ID)
		assert.Equal(t, w.account.Email, me.Email)
		assert.True(t, me.Verified)
		assert.Equal(t, modelslab.Dollars(1), *me.WalletBalance)
		assert.Equal(t, &modelslab.ProfilePreferences{WalletNotificationEnabled: true, WalletNotificationThreshold: modelslab.Ptr(modelslab.Dollars(10))}, me.Preferences)
		assert.Equal(t, modelslab.ProfileSocials{}, me.Socials)

		changed, err := profiles.Update(ctx, modelslab.ProfileUpdateParams{
			Name: modelslab.Ptr("Ada"), Username: modelslab.Ptr("ada"), AboutMe: modelslab.Ptr("A painter."),
		})
		require.NoError(t, err)
		same(t, w, "changed", changed)
		assert.Equal(t, []string{"Ada", "ada", "A painter."}, []string{changed.Name, changed.Username, changed.AboutMe})
		changed, err = profiles.Update(ctx, modelslab.ProfileUpdateParams{AboutMe: modelslab.Ptr("")})
		require.NoError(t, err)
		assert.Empty(t, changed.AboutMe, "an empty text is sent")
		assert.Equal(t, "ada", changed.Username, "what is nil stays")

		other := w.as(t, w.srv.Account(sandbox.AccountParams{Email: "agent@example.com"}))
		_, err = other.Profile.Update(ctx, modelslab.ProfileUpdateParams{Name: modelslab.Ptr("Agent"), Username: modelslab.Ptr("ada")})
		refused(t, w, "a name that is taken", modelslab.ErrValidation, err)
		theirs, err := other.Profile.Get(ctx)
		require.NoError(t, err)
		assert.NotEqual(t, "Agent", theirs.Name, "all of it or nothing")

		require.NoError(t, profiles.UpdateSocials(ctx, modelslab.ProfileUpdateSocialsParams{GitHub: modelslab.Ptr("ada"), Discord: modelslab.Ptr("ada#1")}))
		require.NoError(t, profiles.UpdateSocials(ctx, modelslab.ProfileUpdateSocialsParams{Discord: modelslab.Ptr(""), Twitter: modelslab.Ptr("adapaints")}))
		require.NoError(t, profiles.UpdatePreferences(ctx, modelslab.ProfileUpdatePreferencesParams{
			NSFWContent: modelslab.Ptr(true), WalletNotificationEnabled: modelslab.Ptr(false),
		}))
		me, err = profiles.Get(ctx)
		require.NoError(t, err)
		same(t, w, "in the end", me)
		assert.Equal(t, modelslab.ProfileSocials{GitHub: "ada", Twitter: "adapaints"}, me.Socials)
		assert.Equal(t, &modelslab.ProfilePreferences{NSFWContent: true, WalletNotificationThreshold: modelslab.Ptr(modelslab.Dollars(10))}, me.Preferences)

		require.NoError(t, profiles.UpdatePreferences(ctx, modelslab.ProfileUpdatePreferencesParams{WalletNotificationThreshold: modelslab.Ptr(modelslab.Cents(250))}))
		require.NoError(t, profiles.UpdatePreferences(ctx, modelslab.ProfileUpdatePreferencesParams{WalletNotificationThreshold: modelslab.Ptr(modelslab.Amount{})}))
		me, err = profiles.Get(ctx)
		require.NoError(t, err)
		assert.Equal(t, &modelslab.ProfilePreferences{NSFWContent: true, WalletNotificationThreshold: modelslab.Ptr(modelslab.Amount{})}, me.Preferences, "$0 is sent")
	})
}

func TestStoryOfAPasswordThatIsChanged(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		old, fresh := modelslab.NewSecret(w.account.Password), modelslab.NewSecret("battery staple")
		login := func(password modelslab.Secret) error {
			return second(w.visitor(t).Auth.Login(ctx, modelslab.AuthLoginParams{Email: w.account.Email, Password: password}))
		}
		change := func(current, password modelslab.Secret) error {
			return w.client.Profile.UpdatePassword(ctx, modelslab.ProfileUpdatePasswordParams{CurrentPassword: current, Password: password})
		}
		refused(t, w, "not the current one", modelslab.ErrValidation, change(modelslab.NewSecret("a guess of mine"), fresh), "a guess of mine", fresh.Reveal())
		refused(t, w, "too short", modelslab.ErrValidation, change(old, modelslab.NewSecret("qzx9")), old.Reveal(), "qzx9")
		require.NoError(t, login(old), "it is still the old one")

		require.NoError(t, change(old, fresh))
		refused(t, w, "the old one", modelslab.ErrUnauthenticated, login(old), old.Reveal())
		require.NoError(t, login(fresh))
		alive(t, w.client, "this server ends no session for it")
		require.NoError(t, change(fresh, old))
		require.NoError(t, login(old))
	})
}

func TestStoryOfAnAPIKey(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, keys := t.Context(), w.client.APIKeys
		list, err := keys.List(ctx)
		require.NoError(t, err)
		same(t, w, "at first", list)
		require.Len(t, list, 1)
		assert.NotEqual(t, w.account.APIKey, list[0].Key.Reveal(), "masked")

		made, err := keys.Create(ctx, modelslab.APIKeyCreateParams{Name: "studio", Notes: "For the renders."})
		require.NoError(t, err)
		same(t, w, "made", made)
		assert.Equal(t, "studio", made.Name)
		key := made.Key.Reveal()
		studio, err := w.client.With(modelslab.WithAPIKey(key))
		require.NoError(t, err)
		generate := func(c *modelslab.Client) error {
			return second(c.Generation.Images.TextToImage(ctx, lighthouse()))
		}
		require.NoError(t, generate(studio))
		assert.Equal(t, modelslab.Cents(98), balance(t, w.client), "it works, and costs")

		read, err := keys.Get(ctx, made.ID)
		require.NoError(t, err)
		same(t, w, "read", read)
		assert.NotEqual(t, key, read.Key.Reveal(), "shown whole once")
		changed, err := keys.Update(ctx, made.ID, modelslab.APIKeyUpdateParams{Name: modelslab.Ptr("farm")})
		require.NoError(t, err)
		same(t, w, "changed", changed)
		assert.Equal(t, []string{"farm", "For the renders."}, []string{changed.Name, changed.Notes})
		changed, err = keys.Update(ctx, made.ID, modelslab.APIKeyUpdateParams{Notes: modelslab.Ptr("")})
		require.NoError(t, err)
		assert.Empty(t, changed.Notes)
		_, err = keys.Update(ctx, made.ID, modelslab.APIKeyUpdateParams{Name: modelslab.Ptr("")})
		refused(t, w, "a key without a name", modelslab.ErrValidation, err)
		require.NoError(t, generate(studio), "only its name is another")

		other := w.as(t, w.srv.Account(sandbox.AccountParams{Email: "agent@example.com"}))
		_, err = other.APIKeys.Get(ctx, made.ID)
		refused(t, w, "somebody else's", modelslab.ErrNotFound, err)
		require.ErrorIs(t, other.APIKeys.Delete(ctx, made.ID), modelslab.ErrNotFound)
		require.NoError(t, generate(studio))

		require.NoError(t, keys.Delete(ctx, made.ID))
		left := balance(t, w.client)
		err = generate(studio)
		require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
		silent(t, err, key)
		assert.Equal(t, left, balance(t, w.client))
		require.NoError(t, generate(w.client), "the other key is no worse")
		_, err = keys.Get(ctx, made.ID)
		refused(t, w, "deleted", modelslab.ErrNotFound, err)
		refused(t, w, "deleted twice", modelslab.ErrNotFound, keys.Delete(ctx, made.ID))
		list, err = keys.List(ctx)
		require.NoError(t, err)
		require.Len(t, list, 1)
	})
}

func TestStoryOfUsage(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, usage := t.Context(), w.client.Usage
		before, err := usage.Summary(ctx)
		require.NoError(t, err)
		same(t, w, "before", before)
		assert.Zero(t, *before.TotalCalls)
		products, err := usage.Products(ctx)
		require.NoError(t, err)
		assert.Empty(t, products)
		page, err := usage.History(ctx, modelslab.UsageHistoryParams{})
		require.NoError(t, err)
		assert.Empty(t, page.Items)

		today := time.Now()
		w.srv.AddUsage(w.account.Email,
			sandbox.Usage{Type: "video_generation", Endpoint: "/api/v6/video/text2video", Cents: 25, Time: today.AddDate(0, 0, -2)},
			sandbox.Usage{Type: "video_generation", Endpoint: "/api/v6/video/text2video", Status: "failed", Time: today.AddDate(0, 0, -1)})
		elapse(time.Second)
		for range 3 {
			_, err := w.client.Generation.Images.TextToImage(ctx, lighthouse())
			require.NoError(t, err)
		}
		elapse(time.Minute)
		summary, err := usage.Summary(ctx)
		require.NoError(t, err)
		same(t, w, "summary", summary)
		assert.EqualValues(t, 5, *summary.TotalCalls)
		assert.Equal(t, modelslab.Cents(94), *summary.WalletBalance)

		products, err = usage.Products(ctx)
		require.NoError(t, err)
		slices.SortFunc(products, func(a, b modelslab.ProductUsage) int { return strings.Compare(a.Product, b.Product) })
		same(t, w, "products", products, lost(byKind, "[].Calls", "[].Cost"), told(byKind, "[].PercentageUsed", "0.00"))
		require.Len(t, products, 2)
		assert.Equal(t, "image_generation", products[0].Product)
		if !byKind.has(w) { // by name there is what a plan allows, and no plan limits this account
			assert.EqualValues(t, 3, products[0].Calls)
			assert.Equal(t, modelslab.Cents(6), *products[0].Cost)
			assert.Equal(t, modelslab.Cents(25), *products[1].Cost)
		}

		page, err = usage.History(ctx, modelslab.UsageHistoryParams{})
		require.NoError(t, err)
		same(t, w, "history", *page, told(withTotal, "Total", "5"))
		require.Len(t, page.Items, 5)
		newest, oldest := page.Items[0], page.Items[4]
		assert.Equal(t, "/api/v6/images/text2img", newest.Endpoint)
		assert.Equal(t, modelslab.Cents(2), *newest.Cost)
		assert.True(t, oldest.CreatedAt.Equal(today.AddDate(0, 0, -2)))
		assert.Equal(t, "failed", page.Items[3].Status)

		page, err = usage.History(ctx, modelslab.UsageHistoryParams{From: today.AddDate(0, 0, -1), To: today.AddDate(0, 0, -1)})
		require.NoError(t, err)
		same(t, w, "one day", *page, told(withTotal, "Total", "1"))
		require.Len(t, page.Items, 1)
		assert.Equal(t, "failed", page.Items[0].Status)
		page, err = usage.History(ctx, modelslab.UsageHistoryParams{Limit: 2})
		require.NoError(t, err)
		require.Len(t, page.Items, 2)
		assert.Equal(t, newest, page.Items[0])
	}, sandbox.WithGenerationTime(time.Second), sandbox.WithQueueLimit(10))
}

func TestStoryOfModels(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, models := t.Context(), w.client.Models
		search := func(p modelslab.ModelSearchParams) *modelslab.ModelPage {
			page, err := models.Search(ctx, p)
			require.NoError(t, err)
			return page
		}
		ids := func(page *modelslab.ModelPage) (all []string) {
			for _, m := range page.Items {
				all = append(all, m.ModelID)
			}
			return all
		}
		lessPaging := []exception{lost(withoutTotal, "Total"), lost(withoutPages, "CurrentPage", "PerPage", "LastPage")}
		// Where one name stands for both, it is the feature's.
		asFeature := func(field string) exception {
			return func(w *world, want facts) {
				for path := range want {
					if otherNames.has(w) && isIn(path, field) {
						want[path] = "imagen"
					}
				}
			}
		}

		page := search(modelslab.ModelSearchParams{Feature: "imagen", Sort: modelslab.SortAsc, PerPage: 5, Page: 2})
		same(t, w, "second page", *page, append(lessPaging, asFeature("Items[].ModelType"))...)
		require.Len(t, page.Items, 5)
		assert.True(t, slices.IsSortedFunc(page.Items, func(a, b modelslab.Model) int {
			return strings.Compare(strings.ToLower(a.ModelName), strings.ToLower(b.ModelName))
		}))
		assert.NotEmpty(t, page.Items[0].Provider)
		assert.NotEmpty(t, page.Items[0].Tags)

		page = search(modelslab.ModelSearchParams{Tags: []string{"photorealistic", "fast"}})
		assert.Equal(t, []string{"flux"}, ids(page), "both of them")
		page = search(modelslab.ModelSearchParams{Search: "no such thing"})
		assert.Empty(t, page.Items)
		page = search(modelslab.ModelSearchParams{Provider: "ElevenLabs", Sort: modelslab.SortMostUsed})
		assert.Equal(t, []string{"eleven_multilingual_v2", "music_v1", "scribe_v1", "eleven_sound_effect"}, ids(page))
		adult := search(modelslab.ModelSearchParams{Search: "night-market"})
		require.Len(t, adult.Items, 1)
		assert.True(t, adult.Items[0].IsNSFW)
		_, err := models.Search(ctx, modelslab.ModelSearchParams{Sort: "sideways"})
		refused(t, w, "a sort that nobody knows", modelslab.ErrValidation, err)

		filters, err := models.Filters(ctx)
		require.NoError(t, err)
		same(t, w, "filters", filters)
		for _, names := range [][]string{filters.Sorts, filters.Features, filters.ModelTypes, filters.ModelSubcategories, filters.BaseModels} {
			assert.NotEmpty(t, names)
		}
		assert.Contains(t, filters.Features, "imagen")
		tags, err := models.Tags(ctx)
		require.NoError(t, err)
		same(t, w, "tags", tags)
		assert.Contains(t, tags, "photorealistic")
		providers, err := models.Providers(ctx)
		require.NoError(t, err)
		same(t, w, "providers", providers)
		assert.Contains(t, providers, "Black Forest Labs")

		flux, err := models.Get(ctx, "flux")
		require.NoError(t, err)
		same(t, w, "flux", flux, asFeature("ModelType"))
		require.Len(t, flux.EndpointConfigurations, 1)
		assert.Equal(t, "text2img", flux.EndpointConfigurations[0].Name)
		assert.JSONEq(t, `[{"name": "prompt", "type": "textarea", "label": "Prompt", "required": true}]`, string(flux.EndpointConfigurations[0].Config))
		plain, err := models.Get(ctx, "upscaler-4x")
		require.NoError(t, err)
		same(t, w, "without parameters", plain, asFeature("ModelType"))
		require.Len(t, plain.EndpointConfigurations, 1)
		assert.Nil(t, plain.EndpointConfigurations[0].Parameters)
		linocut, err := models.Get(ctx, "community/linocut:v2")
		require.NoError(t, err)
		assert.Equal(t, "Linocut", linocut.ModelName, "an id with a slash")
		_, err = models.Get(ctx, "no-such-model")
		refused(t, w, "no such model", modelslab.ErrNotFound, err)
	})
}

// Groups of which no endpoint is published are within reach, and not invented.
func TestStoryOfCallsByHand(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, call := range []struct{ method, path string }{
			{"POST", "/training/jobs"}, {"GET", "/training/jobs"}, {"GET", "/training/jobs/7"}, {"DELETE", "/training/jobs/7"},
			{"POST", "/servers"}, {"PUT", "/servers/7"}, {"PATCH", "/servers/7"}, {"POST", "/uploads"}, {"POST", "/files/base64"},
		} {
			before := len(w.srv.Requests())
			var in any
			if call.method != "GET" && call.method != "DELETE" {
				in = map[string]any{"name": "mine"}
			}
			var out map[string]any
			err := w.client.Call(ctx, call.method, call.path, in, &out)
			refused(t, w, call.method+" "+call.path, modelslab.ErrNotFound, err)
			sent := w.srv.Requests()[before:]
			require.Len(t, sent, 1)
			assert.Equal(t, "Bearer "+w.account.AccessToken, sent[0].Header.Get("Authorization"))
			assert.Empty(t, sent[0].IdempotencyKey)
		}

		// An endpoint that has a method can be called by hand too, in its own way.
		var held map[string]any
		require.NoError(t, w.client.Call(ctx, "GET", "/wallet/balance", nil, &held))
		assert.NotEmpty(t, held)
		var found any // a list, in whatever shape
		require.NoError(t, w.client.Call(ctx, "GET", "/models", url.Values{"search": {"flux"}, "per_page": {"2"}}, &found))
		assert.NotEmpty(t, found)
		w.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
		require.NoError(t, w.client.Call(ctx, "POST", "/wallet/fund", map[string]any{"amount": 25, "payment_method_id": "pm_card_visa"}, nil))
		sent := asked(w.srv, "wallet.fund")
		require.Len(t, sent, 2, "repeated")
		assert.NotEmpty(t, sent[0].IdempotencyKey)
		assert.Equal(t, sent[0].IdempotencyKey, sent[1].IdempotencyKey)
		assert.EqualValues(t, 2500, cents(w.srv), "and paid once")
		var made map[string]any
		require.NoError(t, w.client.Call(ctx, "POST", "/api-keys", map[string]any{"name": "by hand"}, &made))
		assert.Equal(t, "by hand", made["name"])
		assert.Empty(t, asked(w.srv, "api_keys.create")[0].IdempotencyKey)
		require.ErrorIs(t, w.client.Call(ctx, "POST", "/wallet/fund", map[string]any{"amount": 25, "payment_method_id": "pm_card_chargeDeclined"}, nil), modelslab.ErrPaymentDeclined)
		holderWanted(t, w.client.Call(ctx, "POST", "/wallet/fund", map[string]any{"amount": 25, "payment_method_id": "pm_card_authenticationRequired"}, nil))
	})
}

// What is done about a path that nobody has described: reading is repeated, anything
// else is sent once and may have cost money, and a key makes a repeat safe.
func TestCallsByHandOfUnknownPaths(t *testing.T) {
	job := map[string]any{"name": "mine"}
	at := func(srv *sandbox.Server, path string) (all []sandbox.Request) {
		for _, r := range srv.Requests() {
			if strings.HasSuffix(r.Path, path) {
				all = append(all, r)
			}
		}
		return all
	}
	lose := func(srv *sandbox.Server, kind sandbox.FaultKind) {
		srv.Inject(sandbox.Fault{Endpoint: "/training/jobs", Kind: kind})
	}
	everyFault := []sandbox.FaultKind{sandbox.FaultDropAfter, sandbox.Fault502, sandbox.FaultCutBody}
	t.Run("GET is repeated", func(t *testing.T) {
		for _, kind := range everyFault {
			inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
				lose(srv, kind)
				err := client.Call(t.Context(), "GET", "/training/jobs", nil, nil)
				require.ErrorIs(t, err, modelslab.ErrNotFound, kind)
				assert.Len(t, at(srv, "/training/jobs"), 2, kind)
				assert.Empty(t, at(srv, "/training/jobs")[0].IdempotencyKey)
			})
		}
	})
	t.Run("anything else is sent once and may have spent", func(t *testing.T) {
		for _, kind := range everyFault {
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
				inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
					lose(srv, kind)
					var in any = job
					if method == "DELETE" {
						in = nil
					}
					err := client.Call(t.Context(), method, "/training/jobs", in, nil)
					require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown, "%s %s", method, kind)
					assert.Len(t, at(srv, "/training/jobs"), 1, "%s %s", method, kind)
				})
			}
		}
	})
	t.Run("a key makes it repeatable", func(t *testing.T) {
		for _, kind := range everyFault {
			inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
				lose(srv, kind)
				err := client.Call(t.Context(), "POST", "/training/jobs", job, nil, modelslab.WithIdempotencyKey("job-1"))
				require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown, "the refusal is the repeat's, not the first's")
				sent := at(srv, "/training/jobs")
				assert.Equal(t, []string{"job-1", "job-1"}, keysOf(sent))
				assert.Equal(t, sent[0].Body, sent[1].Body)
			})
		}
	})
	t.Run("a payment that it asks for is one", func(t *testing.T) {
		answer := func(status int, body string) sandbox.Fault {
			return sandbox.Fault{
				Endpoint: "/training/jobs", Kind: sandbox.FaultAnswer, Status: status,
				Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body),
			}
		}
		inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
			srv.Inject(answer(202, `{"data":{"payment":{"status":"requires_action","payment_intent_id":"pi_3Intent","client_secret":"pi_3Intent_secret_x"}}}`))
			assert.Equal(t, "pi_3Intent", holderWanted(t, client.Call(t.Context(), "POST", "/training/jobs", job, nil)))
			srv.Inject(answer(402, `{"data":null,"error":{"code":"payment_declined","message":"No.","details":{"decline_code":"lost_card"}}}`))
			require.ErrorIs(t, client.Call(t.Context(), "POST", "/training/jobs", job, nil), modelslab.ErrPaymentDeclined)
			srv.Inject(answer(200, `{"data":{"id":7,"status":"queued"},"error":null}`))
			var made struct{ ID int }
			require.NoError(t, client.Call(t.Context(), "POST", "/training/jobs", job, &made))
			assert.Equal(t, 7, made.ID)
			assert.Len(t, at(srv, "/training/jobs"), 3)
		})
	})
	t.Run("all of them count in the general limit", func(t *testing.T) {
		inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
			srv.Inject(sandbox.Fault{Endpoint: "/training/jobs", Kind: sandbox.FaultAnswer, Times: -1, Status: 429, Header: map[string][]string{"Retry-After": {"30"}}})
			client, err := client.With(modelslab.WithRateLimitPolicy(modelslab.RateLimitPolicy{Mode: modelslab.RateLimitRefuse}))
			require.NoError(t, err)
			err = client.Call(t.Context(), "POST", "/training/jobs", job, nil)
			var limited *modelslab.RateLimitError
			require.ErrorAs(t, err, &limited)
			assert.Equal(t, modelslab.LimiterGeneral, limited.Limiter)
			assert.Equal(t, 30*time.Second, limited.RetryAfter)
		})
	})
}

// What carries no key is sent once. Its answer lost, nobody knows, and looking tells.
func TestStoryOfWritesWhoseAnswerIsLost(t *testing.T) {
	const agent = "agent@example.com"
	for _, tt := range []struct {
		endpoint string
		write    func(context.Context, *modelslab.Client) error
		done     func(*testing.T, *modelslab.Client) bool
	}{
		{"api_keys.create", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.APIKeys.Create(ctx, modelslab.APIKeyCreateParams{Name: "studio"}))
		}, func(t *testing.T, c *modelslab.Client) bool {
			keys, err := c.APIKeys.List(t.Context())
			require.NoError(t, err)
			return len(keys) == 2 && keys[1].Name == "studio"
		}},
		{"api_keys.delete", func(ctx context.Context, c *modelslab.Client) error {
			return c.APIKeys.Delete(ctx, 31)
		}, func(t *testing.T, c *modelslab.Client) bool {
			keys, err := c.APIKeys.List(t.Context())
			require.NoError(t, err)
			return len(keys) == 0
		}},
		{"teams.invite", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Teams.Invite(ctx, modelslab.TeamInviteParams{Email: agent}))
		}, func(t *testing.T, c *modelslab.Client) bool {
			team, err := c.Teams.List(t.Context())
			require.NoError(t, err)
			return len(team) == 1 && team[0].Email == agent
		}},
		{"profile.update", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Profile.Update(ctx, modelslab.ProfileUpdateParams{AboutMe: modelslab.Ptr("A painter.")}))
		}, func(t *testing.T, c *modelslab.Client) bool {
			me, err := c.Profile.Get(t.Context())
			require.NoError(t, err)
			return me.AboutMe == "A painter."
		}},
		{"profile.update_socials", func(ctx context.Context, c *modelslab.Client) error {
			return c.Profile.UpdateSocials(ctx, modelslab.ProfileUpdateSocialsParams{GitHub: modelslab.Ptr("ada")})
		}, func(t *testing.T, c *modelslab.Client) bool {
			me, err := c.Profile.Get(t.Context())
			require.NoError(t, err)
			return me.Socials.GitHub == "ada"
		}},
		{"auth.switch_account", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Auth.SwitchAccount(ctx, modelslab.AuthSwitchAccountParams{AccountUsername: "agent1101"}))
		}, func(t *testing.T, c *modelslab.Client) bool {
			tokens, err := c.Auth.Tokens(t.Context())
			require.NoError(t, err)
			return len(tokens) == 2
		}},
		{"auth.revoke_other_tokens", func(ctx context.Context, c *modelslab.Client) error {
			return c.Auth.RevokeOtherTokens(ctx)
		}, func(t *testing.T, c *modelslab.Client) bool {
			tokens, err := c.Auth.Tokens(t.Context())
			require.NoError(t, err)
			return len(tokens) == 1
		}},
		{"auth.logout_all", func(ctx context.Context, c *modelslab.Client) error {
			return c.Auth.LogoutAll(ctx)
		}, func(t *testing.T, c *modelslab.Client) bool {
			dead(t, c, "it was done")
			return true
		}},
	} {
		t.Run(tt.endpoint, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
				srv.Inject(sandbox.Fault{Endpoint: tt.endpoint, Kind: sandbox.FaultDropAfter})
				err := tt.write(t.Context(), client)
				require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
				sent := asked(srv, tt.endpoint)
				require.Len(t, sent, 1)
				assert.Empty(t, sent[0].IdempotencyKey)
				assert.True(t, tt.done(t, client))
			})
		})
	}
}
