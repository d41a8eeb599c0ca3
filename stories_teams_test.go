package modelslab_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// Somebody is invited, accepts with an account of their own, switches to the account
// whose team they are in, acts there, and is shown the door.
func TestStoryOfATeam(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		const agent, friend = "agent@example.com", "friend@example.com"
		ctx, teams := t.Context(), w.client.Teams
		member := w.as(t, w.srv.Account(sandbox.AccountParams{Email: agent, BalanceCents: 300}))
		stranger := w.as(t, w.srv.Account(sandbox.AccountParams{Email: "stranger@example.com"}))
		me, err := w.client.Profile.Get(ctx)
		require.NoError(t, err)
		enter := func(c *modelslab.Client) (*modelslab.Session, error) {
			return c.Auth.SwitchAccount(ctx, modelslab.AuthSwitchAccountParams{AccountUsername: me.Username, DeviceName: "desk"})
		}
		team := func() []modelslab.TeamMember {
			list, err := teams.List(ctx)
			require.NoError(t, err)
			slices.SortFunc(list, func(a, b modelslab.TeamMember) int { return int(a.ID - b.ID) }) // some lists go by state
			return list
		}
		assert.Empty(t, team())

		invited, err := teams.Invite(ctx, modelslab.TeamInviteParams{Email: agent, Role: "admin"})
		require.NoError(t, err)
		same(t, w, "invited", invited, lost(messagesOnly, "ID", "InviteID", "Role", "Status", "CreatedAt"))
		assert.Equal(t, agent, invited.Email)
		_, err = teams.Invite(ctx, modelslab.TeamInviteParams{Email: friend})
		require.NoError(t, err)
		for name, email := range map[string]string{"twice": agent, "oneself": w.account.Email} {
			_, err = teams.Invite(ctx, modelslab.TeamInviteParams{Email: email})
			refused(t, w, "invited "+name, modelslab.ErrValidation, err)
		}
		list := team()
		same(t, w, "both invited", list)
		require.Len(t, list, 2)
		assert.Equal(t, []string{modelslab.InvitePending, modelslab.InvitePending}, []string{list[0].Status, list[1].Status})
		assert.Equal(t, []string{"admin", "member"}, []string{list[0].Role, list[1].Role})
		id, invite := list[0].ID, list[0].InviteID
		mailed, _ := w.srv.InviteID(agent)
		assert.Equal(t, mailed, invite)
		require.NoError(t, teams.ResendInvite(ctx, id))
		mailed, _ = w.srv.InviteID(agent)
		assert.Equal(t, invite, mailed, "the same invitation once more")

		_, err = enter(member)
		refused(t, w, "not accepted yet", modelslab.ErrPermissionDenied, err)
		refused(t, w, "for somebody else", modelslab.ErrPermissionDenied, stranger.Teams.AcceptInvite(ctx, invite))
		require.NoError(t, member.Teams.AcceptInvite(ctx, invite))
		refused(t, w, "accepted twice", modelslab.ErrNotFound, member.Teams.AcceptInvite(ctx, invite))
		refused(t, w, "nothing to send again", modelslab.ErrValidation, teams.ResendInvite(ctx, id))
		one, err := teams.Get(ctx, id)
		require.NoError(t, err)
		same(t, w, "accepted", one)
		assert.Equal(t, modelslab.InviteAccepted, one.Status)
		assert.Empty(t, one.InviteID)
		assert.Equal(t, "agent", one.Name)
		_, err = enter(stranger)
		refused(t, w, "a stranger", modelslab.ErrPermissionDenied, err)

		session, err := enter(member)
		require.NoError(t, err)
		same(t, w, "switched", session)
		assert.True(t, session.APIKey.IsZero(), "it is not the member's account")
		assert.Nil(t, session.User)
		guest := member.WithSession(session)
		they, err := guest.Profile.Get(ctx)
		require.NoError(t, err)
		assert.Equal(t, w.account.Email, they.Email)
		_, err = fund25(t, guest, "pm_card_visa")
		require.NoError(t, err)
		w.paid(t, nil, 2500, "wallet.fund")
		assert.Equal(t, modelslab.Dollars(26), balance(t, w.client))
		assert.Equal(t, modelslab.Dollars(26), balance(t, guest))
		assert.Equal(t, modelslab.Dollars(3), balance(t, member), "the token that asked is what it was")
		err = guest.Profile.UpdatePassword(ctx, modelslab.ProfileUpdatePasswordParams{CurrentPassword: modelslab.NewSecret("battery staple"), Password: modelslab.NewSecret("correct horse")})
		refused(t, w, "a guest changes no password", modelslab.ErrPermissionDenied, err, "battery staple", "correct horse")

		changed, err := teams.Update(ctx, id, modelslab.TeamUpdateParams{Role: modelslab.Ptr("viewer"), Permissions: []string{"wallet.read", "models.read"}})
		require.NoError(t, err)
		same(t, w, "changed", changed)
		assert.Equal(t, []string{"wallet.read", "models.read"}, changed.Permissions)
		changed, err = teams.Update(ctx, id, modelslab.TeamUpdateParams{Permissions: []string{}})
		require.NoError(t, err)
		assert.Empty(t, changed.Permissions, "none is not unchanged")
		assert.Equal(t, "viewer", changed.Role)
		_, err = teams.Update(ctx, id, modelslab.TeamUpdateParams{InviteStatus: modelslab.Ptr("perhaps")})
		refused(t, w, "a state that nobody knows", modelslab.ErrValidation, err)
		alive(t, guest, "still in the team")

		_, err = teams.Update(ctx, id, modelslab.TeamUpdateParams{InviteStatus: modelslab.Ptr(modelslab.InvitePending)})
		require.NoError(t, err)
		dead(t, guest, "no member any more")
		alive(t, member, "at home")
		require.NoError(t, member.Teams.AcceptInvite(ctx, invite))
		session, err = enter(member)
		require.NoError(t, err)
		guest = member.WithSession(session)
		alive(t, guest, "back again")

		require.NoError(t, teams.Delete(ctx, id))
		dead(t, guest, "out of the team")
		alive(t, member, "at home")
		_, err = enter(member)
		refused(t, w, "out is out", modelslab.ErrPermissionDenied, err)
		_, err = teams.Get(ctx, id)
		refused(t, w, "gone", modelslab.ErrNotFound, err)
		refused(t, w, "gone twice", modelslab.ErrNotFound, teams.Delete(ctx, id))
		refused(t, w, "an old invitation", modelslab.ErrNotFound, member.Teams.AcceptInvite(ctx, invite))
		require.NoError(t, teams.Delete(ctx, team()[0].ID))
		_, open := w.srv.InviteID(friend)
		assert.False(t, open, "an invitation that is taken back")
		assert.Empty(t, team())
	})
}

// One's own account is an account to switch to, and gives a token like any other.
func TestStoryOfComingHome(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		me, err := w.client.Profile.Get(t.Context())
		require.NoError(t, err)
		session, err := w.client.Auth.SwitchAccount(t.Context(), modelslab.AuthSwitchAccountParams{AccountUsername: me.Username, TokenExpiry: modelslab.TokenExpiryYear})
		require.NoError(t, err)
		same(t, w, "home", session)
		home := w.client.WithSession(session)
		assert.Equal(t, modelslab.Dollars(1), balance(t, home))
		tokens, err := home.Auth.Tokens(t.Context())
		require.NoError(t, err)
		assert.Len(t, tokens, 2)
		require.NoError(t, home.Auth.RevokeOtherTokens(t.Context()))
		dead(t, w.client, "one of the others")
		_, err = home.Auth.SwitchAccount(t.Context(), modelslab.AuthSwitchAccountParams{AccountUsername: "nobody"})
		refused(t, w, "nobody's name", modelslab.ErrPermissionDenied, err)
	})
}
