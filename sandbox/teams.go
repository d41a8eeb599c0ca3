package sandbox

import (
	"net/http"
	"slices"
	"time"
)

const (
	memberPending  = "pending"
	memberAccepted = "accepted"
)

// member is somebody in the team of an account, known by their address: they may have no
// account of their own yet.
type member struct {
	id          int64
	email       string
	role        string
	permissions []string
	status      string
	inviteID    string
	invited     time.Time
}

func (a *account) hasMember(user *account) bool {
	return slices.ContainsFunc(a.team, func(m *member) bool {
		return m.email == user.email && m.status == memberAccepted
	})
}

// InviteID returns the id in the last mail that invites the address to a team, and false
// if there is none that still waits to be accepted.
func (s *Server) InviteID(email string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var last *member
	for _, a := range s.accounts {
		for _, m := range a.team {
			if m.email == normalEmail(email) && m.status == memberPending && (last == nil || m.id > last.id) {
				last = m
			}
		}
	}
	if last == nil {
		return "", false
	}
	return last.inviteID, true
}

// memberJSON tells the name of those who accepted, and nothing of those who only were
// invited.
func (s *Server) memberJSON(m *member) object {
	data := object{
		"id": m.id, "name": nil, "email": m.email, "role": m.role, "permissions": m.permissions,
		"status": m.status, "created_at": timestamp(m.invited),
	}
	if m.status == memberPending {
		data["invite_id"] = m.inviteID
	} else if a := s.byEmail[m.email]; a != nil {
		data["name"] = a.name
	}
	return data
}

func (s *Server) listTeam(c *call) answer {
	list := []any{}
	for _, m := range c.account.team {
		list = append(list, s.memberJSON(m))
	}
	return c.ok(list)
}

func (s *Server) inviteMember(c *call) answer {
	problems := bag{}
	email := normalEmail(c.text("email"))
	switch {
	case email == "":
		problems.add("email", "The email field is required.")
	case !validEmail(email):
		problems.add("email", "The email field must be a valid email address.")
	case email == c.account.email:
		problems.add("email", "You cannot invite yourself.")
	case slices.ContainsFunc(c.account.team, func(m *member) bool { return m.email == email }):
		problems.add("email", "The email has already been invited.")
	}
	role := c.renamed("role", "member", problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	m := &member{
		id: s.nextID("team member", 7), email: email, role: role, permissions: []string{},
		status:   memberPending,
		inviteID: s.requestID(), // a UUID like any other
		invited:  c.now,
	}
	c.account.team = append(c.account.team, m)
	return c.success(http.StatusCreated, s.memberJSON(m))
}

// ownMember is the member that the path names, nil if the team has no such member.
func (c *call) ownMember() *member {
	id := c.rowID()
	for _, m := range c.account.team {
		if m.id == id {
			return m
		}
	}
	return nil
}

func (c *call) missingMember() answer { return missing("TeamMember", c.params["id"]) }

func (s *Server) getMember(c *call) answer {
	m := c.ownMember()
	if m == nil {
		return c.missingMember()
	}
	return c.ok(s.memberJSON(m))
}

func (s *Server) updateMember(c *call) answer {
	m := c.ownMember()
	if m == nil {
		return c.missingMember()
	}
	problems := bag{}
	role := c.renamed("role", m.role, problems)
	permissions := c.permissions(m.permissions, problems)
	status := c.renamed("invite_status", m.status, problems)
	if problems["invite_status"] == nil && status != memberPending && status != memberAccepted {
		problems.add("invite_status", "The selected invite status is invalid.")
	}
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	m.role, m.permissions, m.status = role, permissions, status
	if m.status == memberPending {
		s.endVisits(c.account, m)
	}
	return c.ok(s.memberJSON(m))
}

// permissions reads an array of names, any names: nobody has written down which there are.
func (c *call) permissions(old []string, problems bag) []string {
	v, named := c.fields["permissions"]
	if !named {
		return old
	}
	items, isArray := v.([]any)
	if !isArray {
		problems.add("permissions", "The permissions field must be an array.")
	}
	names := []string{}
	for i, item := range items {
		name, isText := item.(string)
		if !isText {
			problems.add("permissions", "The permissions.%d field must be a string.", i)
		}
		names = append(names, name)
	}
	return names
}

// endVisits ends the tokens with which somebody acts for an account whose team they left.
func (s *Server) endVisits(owner *account, m *member) {
	s.endTokens(func(t *token) bool { return t.account == owner && t.user.email == m.email })
}

func (s *Server) deleteMember(c *call) answer {
	m := c.ownMember()
	if m == nil {
		return c.missingMember()
	}
	c.account.team = slices.DeleteFunc(c.account.team, func(other *member) bool { return other == m })
	s.endVisits(c.account, m)
	return c.ok(object{"message": "Member removed."})
}

// resendInvite sends the same invitation again: its id stays.
func (s *Server) resendInvite(c *call) answer {
	m := c.ownMember()
	switch {
	case m == nil:
		return c.missingMember()
	case m.status != memberPending:
		return c.invalidField("invite_status", "The invitation has already been accepted.")
	}
	return c.ok(object{"message": "Invitation sent again."})
}

// acceptInvite is for whoever was invited, and works once.
func (s *Server) acceptInvite(c *call) answer {
	id := c.params["inviteId"]
	for _, a := range s.accounts {
		for _, m := range a.team {
			if m.inviteID != id || m.status != memberPending {
				continue
			}
			if m.email != c.token.user.email {
				return c.accessDenied("This invitation is for somebody else.")
			}
			m.status = memberAccepted
			return c.ok(object{"message": "Invitation accepted.", "account_username": a.username})
		}
	}
	return missing("TeamInvite", id)
}
