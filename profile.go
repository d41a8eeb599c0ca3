package modelslab

import (
	"context"
)

// ProfileService shows and changes who the account is.
// Documentation: docs.modelslab.com/agents-api/profile-and-api-keys.
type ProfileService struct{ c *Client }

// Profile is the account as it shows itself.
type Profile struct {
	ID            ID                  `json:"id"`
	Name          string              `json:"name"`
	Email         string              `json:"email"`
	Username      string              `json:"username"`
	AboutMe       string              `json:"about_me"`
	Verified      bool                `json:"verified"`
	CreatedAt     Timestamp           `json:"created_at"`
	WalletBalance *Amount             `json:"wallet_balance"` // US dollars; nil: not sent
	Currency      string              `json:"currency"`       // "USD"; empty: not said
	Preferences   *ProfilePreferences `json:"preferences"`    // nil: not sent
	Socials       ProfileSocials      `json:"socials"`
}

// ProfilePreferences are the account's switches.
type ProfilePreferences struct {
	NSFWContent                 bool    `json:"nsfw_content"`
	WalletNotificationEnabled   bool    `json:"wallet_notification_enabled"`   // a mail when the balance falls below the threshold
	WalletNotificationThreshold *Amount `json:"wallet_notification_threshold"` // US dollars; nil: not sent
}

// ProfileSocials are the account's names elsewhere.
type ProfileSocials struct {
	Facebook  string `json:"facebook"`
	GitHub    string `json:"github"`
	Twitter   string `json:"twitter"`
	Instagram string `json:"instagram"`
	Discord   string `json:"discord"`
}

type preferencesWire struct {
	NSFWContent                 *flexBool `json:"nsfw_content"`
	WalletNotificationEnabled   *flexBool `json:"wallet_notification_enabled"`
	WalletNotificationThreshold maybe     `json:"wallet_notification_threshold"`
}

func (w *preferencesWire) preferences() *ProfilePreferences {
	if w.NSFWContent == nil && w.WalletNotificationEnabled == nil && !w.WalletNotificationThreshold.sent {
		return nil
	}
	on := func(b *flexBool) bool { return b != nil && bool(*b) }
	return &ProfilePreferences{on(w.NSFWContent), on(w.WalletNotificationEnabled), w.WalletNotificationThreshold.pointer()}
}

func (p *Profile) decode(t *trip, a *answer) error {
	object, err := a.anything(t)
	if err != nil {
		return err
	}
	user := inside(object, "user", "profile") // the wallet may stand beside it
	var w struct {
		ID        ID        `json:"id"`
		Name      text      `json:"name"`
		Email     text      `json:"email"`
		Username  text      `json:"username"`
		AboutMe   text      `json:"about_me"`
		About     text      `json:"about"`
		Verified  flexBool  `json:"verified"`
		CreatedAt Timestamp `json:"created_at"`
		preferencesWire
		ProfileSocials
		Preferences preferencesWire `json:"preferences"`
		Socials     ProfileSocials  `json:"socials"`
	}
	if err := firstError(decodeTolerant(object, &w), decodeTolerant(user, &w)); err != nil {
		return err
	}
	if t.e.Repeat == RepeatSafe && w.ID == 0 && w.Email == "" && w.Username == "" {
		return missing("email")
	}
	var held holdings
	for _, part := range [...][]byte{object, user} {
		for m := membersOf(part); m.next(); {
			_ = held.read(m.name, m.value) // it is beside the point here
		}
	}
	*p = Profile{
		ID: w.ID, Name: string(w.Name), Email: string(w.Email), Username: string(w.Username),
		AboutMe: firstOf(string(w.AboutMe), string(w.About)), Verified: bool(w.Verified), CreatedAt: w.CreatedAt,
		WalletBalance: held.balance().pointer(), Currency: held.currency,
		Preferences: w.Preferences.preferences(), Socials: w.Socials,
	}
	if p.Preferences == nil {
		p.Preferences = w.preferences()
	}
	if p.Socials == (ProfileSocials{}) {
		p.Socials = w.ProfileSocials
	}
	return nil
}

// Get reads the profile, with preferences and the wallet's balance where the
// server sends them. Limits: 120 a minute. API: GET /me.
func (s *ProfileService) Get(ctx context.Context, opts ...RequestOption) (*Profile, error) {
	return call[Profile](ctx, s.c, profileGet, input{}, opts)
}

// ProfileUpdateParams changes the profile. Fields that are nil stay as they are.
type ProfileUpdateParams struct {
	Name     *string `json:"name,omitzero"`
	Username *string `json:"username,omitzero"`
	AboutMe  *string `json:"about_me,omitzero"`
}

func (p ProfileUpdateParams) check() error {
	return checkSome("ProfileUpdateParams", p.Name != nil, p.Username != nil, p.AboutMe != nil)
}

// Update changes the profile and returns it, as far as the server sends it back.
// A username that is taken is presumably [ErrValidation]. It is sent once.
// Limits: 120 a minute. API: PATCH /me.
func (s *ProfileService) Update(ctx context.Context, p ProfileUpdateParams, opts ...RequestOption) (*Profile, error) {
	return call[Profile](ctx, s.c, profileUpdate, input{body: p}, opts)
}

// ProfileUpdatePasswordParams changes the password.
type ProfileUpdatePasswordParams struct {
	CurrentPassword Secret `json:"current_password"`
	Password        Secret `json:"password"` // the new one; it is sent twice, as its own confirmation
}

func (p ProfileUpdatePasswordParams) check() error {
	return firstError(checkNotEmpty("ProfileUpdatePasswordParams.CurrentPassword", p.CurrentPassword),
		checkNotEmpty("ProfileUpdatePasswordParams.Password", p.Password))
}

func (p ProfileUpdatePasswordParams) wire() any {
	return struct {
		CurrentPassword      string `json:"current_password"`
		Password             string `json:"password"`
		PasswordConfirmation string `json:"password_confirmation"`
	}{p.CurrentPassword.Reveal(), p.Password.Reveal(), p.Password.Reveal()}
}

func (p ProfileUpdatePasswordParams) secrets() []string {
	return []string{p.CurrentPassword.Reveal(), p.Password.Reveal()}
}

// UpdatePassword changes the password. A wrong current one is presumably
// [ErrValidation]. Whether other sessions end is documented nowhere. It is sent
// once. Limits: 120 a minute. API: PATCH /me/password.
func (s *ProfileService) UpdatePassword(ctx context.Context, p ProfileUpdatePasswordParams, opts ...RequestOption) error {
	return send(ctx, s.c, profileUpdatePassword, input{body: p}, nil, opts)
}

// ProfileUpdateSocialsParams changes names elsewhere. Fields that are nil stay
// as they are.
type ProfileUpdateSocialsParams struct {
	Facebook  *string `json:"facebook,omitzero"`
	GitHub    *string `json:"github,omitzero"`
	Twitter   *string `json:"twitter,omitzero"`
	Instagram *string `json:"instagram,omitzero"`
	Discord   *string `json:"discord,omitzero"`
}

func (p ProfileUpdateSocialsParams) check() error {
	return checkSome("ProfileUpdateSocialsParams", p.Facebook != nil, p.GitHub != nil, p.Twitter != nil, p.Instagram != nil, p.Discord != nil)
}

// UpdateSocials changes the account's names elsewhere. It is sent once. Limits:
// 120 a minute. API: PATCH /me/socials.
func (s *ProfileService) UpdateSocials(ctx context.Context, p ProfileUpdateSocialsParams, opts ...RequestOption) error {
	return send(ctx, s.c, profileUpdateSocials, input{body: p}, nil, opts)
}

// ProfileUpdatePreferencesParams changes preferences. Fields that are nil stay
// as they are; false and $0 are sent.
type ProfileUpdatePreferencesParams struct {
	NSFWContent                 *bool   `json:"nsfw_content,omitzero"`
	WalletNotificationEnabled   *bool   `json:"wallet_notification_enabled,omitzero"`
	WalletNotificationThreshold *Amount `json:"wallet_notification_threshold,omitempty"` // US dollars, $0 or more; omitzero would leave $0 out
}

func (p ProfileUpdatePreferencesParams) check() error {
	if t := p.WalletNotificationThreshold; t != nil && t.Sign() < 0 {
		return &ParamError{Param: "ProfileUpdatePreferencesParams.WalletNotificationThreshold", Value: t.String(), Reason: "must not be negative"}
	}
	return checkSome("ProfileUpdatePreferencesParams", p.NSFWContent != nil, p.WalletNotificationEnabled != nil, p.WalletNotificationThreshold != nil)
}

// UpdatePreferences changes preferences. It is sent once. Limits: 120 a minute.
// API: PATCH /me/preferences.
func (s *ProfileService) UpdatePreferences(ctx context.Context, p ProfileUpdatePreferencesParams, opts ...RequestOption) error {
	return send(ctx, s.c, profileUpdatePreferences, input{body: p}, nil, opts)
}
