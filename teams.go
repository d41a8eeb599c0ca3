package modelslab

import (
	"context"
	"fmt"
	"strings"
)

// TeamsService says who else may act for the account.
// Documentation: docs.modelslab.com/agents-api/teams.
type TeamsService struct{ c *Client }

// TeamMember is somebody who may act for the account, or is invited to.
type TeamMember struct {
	ID          ID        `json:"id"`
	InviteID    string    `json:"invite_id"` // a UUID, while the invitation is open; empty: not said
	Name        string    `json:"name"`
	Email       string    `json:"email"`
	Role        string    `json:"role"`   // the names of roles are documented nowhere
	Status      string    `json:"status"` // "pending", "accepted", or another word
	Permissions []string  `json:"permissions"`
	CreatedAt   Timestamp `json:"created_at"`
}

func (m *TeamMember) read(at place, object []byte) error {
	var w struct {
		ID           ID        `json:"id"`
		InviteID     text      `json:"invite_id"`
		UUID         text      `json:"uuid"`
		Name         text      `json:"name"`
		Email        text      `json:"email"`
		Role         text      `json:"role"`
		Status       text      `json:"status"`
		InviteStatus text      `json:"invite_status"`
		CreatedAt    Timestamp `json:"created_at"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*m = TeamMember{
		ID: w.ID, InviteID: firstOf(string(w.InviteID), string(w.UUID)), Name: string(w.Name), Email: string(w.Email), Role: string(w.Role),
		Status: firstOf(string(w.Status), string(w.InviteStatus)), Permissions: namesOf(member(object, "permissions")), CreatedAt: w.CreatedAt,
	}
	if id := jsonText(member(object, "id")); m.ID == 0 && m.InviteID == "" {
		m.InviteID = id // an invitation's id is no number
	}
	if m.Status == "" && strings.HasPrefix(at.list, "invit") {
		m.Status = InvitePending
	}
	return nil
}

func (m *TeamMember) known() bool { return m.ID != 0 || m.InviteID != "" || m.Email != "" }

func (m *TeamMember) decode(t *trip, a *answer) error {
	object, err := a.anything(t)
	if err != nil {
		return err
	}
	if err := m.read(place{}, inside(object, "member", "team_member", "invite", "invitation")); err != nil {
		return err
	}
	if t.e.Repeat == RepeatSafe && m.ID == 0 && m.Email == "" {
		return missing("id")
	}
	if asked, ok := t.in.body.(TeamInviteParams); ok {
		m.Email = firstOf(m.Email, asked.Email)
	}
	return nil
}

// The documented states of an invitation.
const (
	InvitePending  = "pending"
	InviteAccepted = "accepted"
)

// List lists the members and the invitations that are open. Limits: 120 a
// minute. API: GET /teams.
func (s *TeamsService) List(ctx context.Context, opts ...RequestOption) ([]TeamMember, error) {
	return list[TeamMember](ctx, s.c, teamsList, input{}, opts)
}

// TeamInviteParams invites somebody.
type TeamInviteParams struct {
	Email string `json:"email"`
	Role  string `json:"role,omitzero"` // optional; any word is passed on
}

func (p TeamInviteParams) check() error { return checkEmail("TeamInviteParams.Email", p.Email) }

// Invite has an invitation mailed. Of the answer nothing is documented: an ID or
// InviteID may be missing, and List tells. It is sent once. Limits: 120 a minute.
// API: POST /teams.
func (s *TeamsService) Invite(ctx context.Context, p TeamInviteParams, opts ...RequestOption) (*TeamMember, error) {
	return call[TeamMember](ctx, s.c, teamsInvite, input{body: p}, opts)
}

// Get reads a member. Limits: 120 a minute. API: GET /teams/{id}.
func (s *TeamsService) Get(ctx context.Context, id ID, opts ...RequestOption) (*TeamMember, error) {
	return call[TeamMember](ctx, s.c, teamsGet, byID(id, nil), opts)
}

// TeamUpdateParams changes a member. Fields that are nil stay as they are.
type TeamUpdateParams struct {
	Role         *string  `json:"role,omitzero"`
	Permissions  []string `json:"permissions,omitzero"` // nil: unchanged; empty but not nil: none
	InviteStatus *string  `json:"invite_status,omitzero"`
}

func (p TeamUpdateParams) check() error {
	for i, name := range p.Permissions {
		if name == "" {
			return &ParamError{Param: fmt.Sprintf("TeamUpdateParams.Permissions[%d]", i), Reason: "is empty"}
		}
	}
	return checkSome("TeamUpdateParams", p.Role != nil, p.Permissions != nil, p.InviteStatus != nil)
}

// Update changes what a member may do. It is sent once. Limits: 120 a minute.
// API: PUT /teams/{id}.
func (s *TeamsService) Update(ctx context.Context, id ID, p TeamUpdateParams, opts ...RequestOption) (*TeamMember, error) {
	return call[TeamMember](ctx, s.c, teamsUpdate, byID(id, p), opts)
}

// Delete removes a member, or takes an invitation back. It is sent once. Limits:
// 120 a minute. API: DELETE /teams/{id}.
func (s *TeamsService) Delete(ctx context.Context, id ID, opts ...RequestOption) error {
	return send(ctx, s.c, teamsDelete, byID(id, nil), nil, opts)
}

// ResendInvite mails an invitation once more. It is sent once. Limits: 120 a
// minute. API: POST /teams/{id}/resend-invite.
func (s *TeamsService) ResendInvite(ctx context.Context, id ID, opts ...RequestOption) error {
	return send(ctx, s.c, teamsResendInvite, byID(id, nil), nil, opts)
}

// AcceptInvite joins the team that the client's account was invited to;
// [AuthService.SwitchAccount] then acts for it. inviteID is the UUID from the
// mail. It is sent once. Limits: 120 a minute. API: POST
// /teams/invitations/{inviteId}/accept.
func (s *TeamsService) AcceptInvite(ctx context.Context, inviteID string, opts ...RequestOption) error {
	return send(ctx, s.c, teamsAcceptInvite, input{param: "inviteID", element: inviteID}, nil, opts)
}
