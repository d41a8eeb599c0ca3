package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
)

type preferences struct {
	nsfwContent bool
	walletAlert bool
	alertBelow  int64 // cents
}

// defaultPreferences differ from false and zero, which are worth setting.
func defaultPreferences() preferences { return preferences{walletAlert: true, alertBelow: 10_00} }

func (s *Server) preferencesJSON(p preferences) object {
	return object{
		"nsfw_content":                  p.nsfwContent,
		"wallet_notification_enabled":   p.walletAlert,
		"wallet_notification_threshold": s.dollars(p.alertBelow),
	}
}

// networks are the social names that the documentation knows.
func networks() []string { return []string{"facebook", "github", "twitter", "instagram", "discord"} }

func (a *account) socialsJSON() object {
	data := object{}
	for _, name := range networks() {
		data[name] = textOrNull(a.socials[name])
	}
	return data
}

// byUsername finds an account as the framework's database compares: case does not matter.
func (s *Server) byUsername(username string) *account {
	for _, a := range s.accounts {
		if strings.EqualFold(a.username, username) {
			return a
		}
	}
	return nil
}

// profile is that of the account for which the token acts.
func (s *Server) profile(c *call) answer {
	a := c.account
	data := a.json()
	data["about_me"] = textOrNull(a.about)
	data["created_at"] = timestamp(a.created)
	data["wallet_balance"] = s.dollars(a.wallet.balance)
	data["wallet"] = object{"balance": s.dollars(a.wallet.balance), "currency": "USD"}
	data["preferences"] = s.preferencesJSON(a.preferences)
	data["socials"] = a.socialsJSON()
	return c.ok(data)
}

func (s *Server) updateProfile(c *call) answer {
	problems, a := bag{}, c.account
	name := c.renamed("name", a.name, problems)
	username := c.renamed("username", a.username, problems)
	about := c.rewritten("about_me", a.about, problems)
	if other := s.byUsername(username); other != nil && other != a {
		problems.add("username", "The username has already been taken.")
	}
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	a.name, a.username, a.about = name, username, about
	return s.profile(c)
}

// rewritten is the new value of a text field: the old one if the body does not name the
// field, and none if it says null.
func (c *call) rewritten(field, old string, problems bag) string {
	v, named := c.fields[field]
	if !named {
		return old
	}
	text, isText := v.(string)
	if v != nil && !isText {
		problems.add(field, "The %s field must be a string.", words(field))
	}
	return strings.TrimSpace(text)
}

// renamed is rewritten for fields that cannot be empty.
func (c *call) renamed(field, old string, problems bag) string {
	text := c.rewritten(field, old, problems)
	if text == "" && problems[field] == nil {
		problems.add(field, "The %s field is required.", words(field))
	}
	return text
}

// updatePassword leaves every token as it is, as the framework does of itself. A password
// belongs to a person: nobody sets that of an account for which they only act.
func (s *Server) updatePassword(c *call) answer {
	problems, user := bag{}, c.token.user
	if c.account != user {
		return c.accessDenied("Only the owner of an account can change its password.")
	}
	c.require(problems, "current_password", "password", "password_confirmation")
	password := c.newPassword(problems)
	if problems["current_password"] == nil && !user.hasPassword(c.secret("current_password")) {
		problems.add("current_password", "The password is incorrect.")
	}
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	user.password = sha256.Sum256([]byte(password))
	return c.ok(object{"message": "Password changed."})
}

func (s *Server) updateSocials(c *call) answer {
	problems, socials := bag{}, map[string]string{}
	for _, name := range networks() {
		socials[name] = c.rewritten(name, c.account.socials[name], problems)
	}
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	c.account.socials = socials
	return c.ok(object{"message": "Socials saved.", "socials": c.account.socialsJSON()})
}

func (s *Server) updatePreferences(c *call) answer {
	problems, p := bag{}, c.account.preferences
	p.nsfwContent = c.switched("nsfw_content", p.nsfwContent, problems)
	p.walletAlert = c.switched("wallet_notification_enabled", p.walletAlert, problems)
	if _, named := c.fields["wallet_notification_threshold"]; named {
		p.alertBelow = c.amount("wallet_notification_threshold", 0, problems)
	}
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	c.account.preferences = p
	return c.ok(object{"message": "Preferences saved.", "preferences": s.preferencesJSON(p)})
}

// switched is the new value of a yes-or-no field, in the spellings that the framework
// takes: the old one if the body does not name the field.
func (c *call) switched(field string, old bool, problems bag) bool {
	v, named := c.fields[field]
	if !named {
		return old
	}
	switch v {
	case true, json.Number("1"), "1":
		return true
	case false, json.Number("0"), "0":
		return false
	}
	problems.add(field, "The %s field must be true or false.", words(field))
	return old
}
