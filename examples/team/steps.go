package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// team is two accounts, and what the example has them do.
type team struct {
	owner, guest *modelslab.Client
	email        string                            // of the guest
	invite       string                            // the invitation's id; "": not sent yet
	mail         func(email string) (string, bool) // reads the invitation's mail; nil: nobody can
	out          io.Writer
}

func (t *team) say(step, format string, values ...any) {
	fmt.Fprintf(t.out, "%-8s%s\n", step, fmt.Sprintf(format, values...))
}

func (t *team) all(ctx context.Context) error {
	if err := t.ask(ctx); err != nil {
		return err
	}
	if err := t.guest.Teams.AcceptInvite(ctx, t.invite); err != nil {
		return err
	}
	t.say("accept", "%s is in the team", t.email)
	visitor, err := t.visit(ctx)
	if err != nil {
		return err
	}
	member, err := t.member(ctx)
	if err != nil {
		return err
	}
	if err := t.change(ctx, member); err != nil {
		return err
	}
	if err := t.owner.Teams.Delete(ctx, member.ID); err != nil {
		return err
	}
	_, err = visitor.Profile.Get(ctx)
	t.say("remove", "%s is out; its session for the account is refused: %v", t.email, errors.Is(err, modelslab.ErrUnauthenticated))
	return nil
}

// ask has the guest invited, and finds the id of the invitation.
func (t *team) ask(ctx context.Context) error {
	if t.invite != "" {
		return nil
	}
	member, err := t.owner.Teams.Invite(ctx, modelslab.TeamInviteParams{Email: t.email, Role: "viewer"})
	if err != nil {
		return err
	}
	t.say("invite", "%s has a mail; the invitation is %s", t.email, member.Status)
	t.invite = member.InviteID
	if t.mail != nil {
		t.invite, _ = t.mail(t.email)
	}
	if t.invite == "" {
		return fmt.Errorf("the invitation's id is in the mail to %s: run again with -invite and that id", t.email)
	}
	return nil
}

// visit opens a session of the guest's that acts for the owner's account.
func (t *team) visit(ctx context.Context) (*modelslab.Client, error) {
	owner, err := t.owner.Profile.Get(ctx)
	if err != nil {
		return nil, err
	}
	session, err := t.guest.Auth.SwitchAccount(ctx, modelslab.AuthSwitchAccountParams{
		AccountUsername: owner.Username, DeviceName: "team-example", TokenExpiry: modelslab.TokenExpiryWeek,
	})
	if err != nil {
		return nil, err
	}
	visitor := t.guest.WithSession(session)
	seen, err := visitor.Profile.Get(ctx)
	if err != nil {
		return nil, err
	}
	t.say("switch", "%s acts for the account of %s", t.email, seen.Email)
	return visitor, nil
}

// member finds the guest in the team: what the server answers to an invitation is documented
// nowhere, and its id may be missing there.
func (t *team) member(ctx context.Context) (*modelslab.TeamMember, error) {
	members, err := t.owner.Teams.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if strings.EqualFold(m.Email, t.email) {
			return &m, nil
		}
	}
	return nil, fmt.Errorf("%s is not in the team", t.email)
}

func (t *team) change(ctx context.Context, member *modelslab.TeamMember) error {
	_, err := t.owner.Teams.Update(ctx, member.ID, modelslab.TeamUpdateParams{
		Role: modelslab.Ptr("editor"), Permissions: []string{"models"},
	})
	if err != nil {
		return err
	}
	now, err := t.owner.Teams.Get(ctx, member.ID)
	if err != nil {
		return err
	}
	t.say("change", "%s was %s and is %s now, for %s", t.email, member.Role, now.Role, strings.Join(now.Permissions, ", "))
	return nil
}
