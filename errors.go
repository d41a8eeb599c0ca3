package modelslab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The sentinels say what to do next. They are kinds, not codes: a code that
// nobody has heard of still belongs to a kind by its HTTP status. Ask with
// [errors.Is].
var (
	ErrUnauthenticated   = errors.New("modelslab: not authenticated")                      // log in, then Client.WithSession
	ErrPermissionDenied  = errors.New("modelslab: permission denied")                      // the account may not do this
	ErrNotFound          = errors.New("modelslab: not found")                              // no such thing, or no such route
	ErrConflict          = errors.New("modelslab: conflict")                               // the state does not allow it now
	ErrValidation        = errors.New("modelslab: invalid request")                        // see ParamError, or APIError.Fields
	ErrPaymentDeclined   = errors.New("modelslab: payment declined")                       // no money moved: another card
	ErrRequiresAction    = errors.New("modelslab: payment requires action")                // no money moved yet: a human must act
	ErrRateLimited       = errors.New("modelslab: rate limited")                           // wait; see RateLimitError.RetryAfter
	ErrServer            = errors.New("modelslab: server error")                           // the server failed, and nothing was at stake
	ErrOutcomeUnknown    = errors.New("modelslab: outcome unknown")                        // look before you ask again; see OutcomeUnknownError
	ErrGenerationFailed  = errors.New("modelslab: generation failed")                      // the job ended without a result
	ErrCheckoutPending   = errors.New("modelslab: checkout not paid yet")                  // ask again later
	ErrCheckoutExpired   = errors.New("modelslab: checkout expired")                       // it was not paid, and can be no more
	ErrSpendLimit        = errors.New("modelslab: beyond the spending limit")              // nothing was sent
	ErrPendingOperation  = errors.New("modelslab: an earlier operation is not settled")    // settle it first
	ErrOperationMismatch = errors.New("modelslab: operation name used for something else") // nothing was sent
)

// ParamError is an argument that cannot be right. Nothing was sent. It answers
// to [ErrValidation].
type ParamError struct {
	Param  string // where it is, "WalletFundParams.Amount"
	Value  string // what it was; empty for secrets
	Reason string // what is allowed
}

// Error implements error.
func (e *ParamError) Error() string {
	if e.Value == "" {
		return "modelslab: " + e.Param + ": " + e.Reason
	}
	return "modelslab: " + e.Param + ": " + strconv.Quote(clean(e.Value, maxValueText)) + ": " + e.Reason
}

// Is reports whether target is [ErrValidation].
func (e *ParamError) Is(target error) bool { return target == ErrValidation }

// Format writes the error's line under every verb.
func (e ParamError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// LogValue implements slog.LogValuer.
func (e ParamError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// MarshalJSON writes the error's line and what it is about.
func (e ParamError) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Error string `json:"error"`
		Param string `json:"param"`
	}{e.Error(), e.Param})
}

// APIError is an answer that says no, or one that cannot be used. The typed
// errors of this package hold it: errors.As finds it in every error that came
// from an answer.
//
// Its text is one short line. Header, Raw, Details and Fields can hold what the
// request said, so neither Format nor MarshalJSON shows them.
type APIError struct {
	Response
	Method, Path string              // Path is the endpoint's template, "/wallet/fund"
	Code         string              // the server's code, "payment_declined"; often empty
	Message      string              // the server's text, shortened: to show, never to decide by
	Details      json.RawMessage     // the envelope's error.details as sent
	Fields       map[string][]string // 422: what is wrong with each field
	// OutcomeUnknown says that this answer does not settle what became of the
	// request: it then answers to ErrOutcomeUnknown and to no other kind.
	OutcomeUnknown bool

	next string // what to do about it; "": nothing beyond what its kind says
}

// Error implements error.
func (e *APIError) Error() string { return e.text() }

// Is reports whether e is of the kind that target names.
func (e *APIError) Is(target error) bool { return e.is(e.kind(), target) }

// is compares with the kind that e has where it stands.
func (e *APIError) is(kind, target error) bool {
	if e.OutcomeUnknown {
		kind = ErrOutcomeUnknown
	}
	return target != nil && target == kind
}

// kind is computed from what callers can set, so that they can build errors in
// their own tests.
func (e *APIError) kind() error {
	switch e.StatusCode {
	case http.StatusUnauthorized:
		return ErrUnauthenticated
	case http.StatusPaymentRequired:
		return ErrPaymentDeclined
	case http.StatusForbidden:
		return ErrPermissionDenied
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return ErrNotFound
	case http.StatusConflict:
		return ErrConflict
	case http.StatusTooManyRequests:
		return ErrRateLimited
	}
	switch {
	case e.StatusCode >= 500:
		return ErrServer
	case e.StatusCode >= 400:
		return ErrValidation
	}
	// A success status around an error: only the code tells.
	switch e.Code {
	case "validation_error":
		return ErrValidation
	case "payment_declined":
		return ErrPaymentDeclined
	case "invalid_credentials", "unauthenticated":
		return ErrUnauthenticated
	case "email_not_verified", "access_denied", "insufficient_scope":
		return ErrPermissionDenied
	case "rate_limited":
		return ErrRateLimited
	}
	return ErrServer
}

func (e APIError) text() string {
	var b strings.Builder
	b.Grow(96 + len(e.Message))
	b.WriteString("modelslab: ")
	if e.Method != "" || e.Path != "" {
		b.WriteString(e.Method)
		b.WriteByte(' ')
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	if e.StatusCode != 0 {
		b.WriteString(strconv.Itoa(e.StatusCode))
	} else {
		b.WriteString("not sent")
	}
	if e.Code != "" {
		b.WriteByte(' ')
		b.WriteString(clean(e.Code, maxCodeText))
	}
	if e.RequestID != "" {
		b.WriteString(" (request ")
		b.WriteString(clean(e.RequestID, maxCodeText))
		b.WriteByte(')')
	}
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(clean(e.Message, maxMessageText))
	}
	if e.next != "" {
		b.WriteString(" (")
		b.WriteString(e.next)
		b.WriteByte(')')
	}
	return b.String()
}

// Format writes the error's line under every verb.
func (e APIError) Format(f fmt.State, verb rune) { formatText(f, verb, e.text()) }

// LogValue implements slog.LogValuer.
func (e APIError) LogValue() slog.Value { return slog.StringValue(e.text()) }

// MarshalJSON writes the facts of the error without headers or bodies.
func (e APIError) MarshalJSON() ([]byte, error) { return marshalError(e, e.text()) }

// part is e as something for errors.As to find, whose own kind has no say beside
// that of the error around it; nothing if no answer came.
func (e *APIError) part() error {
	if e.StatusCode == 0 {
		return nil
	}
	return maskedKind{e}
}

// maskedKind lets errors.As see an APIError and errors.Is not: a decline under
// status 409 is no conflict, and a job that failed no failure of the server.
type maskedKind struct{ error }

func (m maskedKind) As(target any) bool {
	t, ok := target.(**APIError)
	if ok {
		*t, ok = m.error.(*APIError) //nolint:errorlint // part puts nothing else in
	}
	return ok
}

// PaymentDeclinedError is a card that was refused. No money moved, and the
// same card will hardly do better. It answers to [ErrPaymentDeclined].
type PaymentDeclinedError struct {
	APIError
	DeclineCode     string // Stripe's word for why: "insufficient_funds"; an open set
	PaymentIntentID string // "pi_…"; may be empty
}

// Error implements error.
func (e *PaymentDeclinedError) Error() string { return e.text() }

// Is reports whether target is [ErrPaymentDeclined].
func (e *PaymentDeclinedError) Is(target error) bool { return e.is(ErrPaymentDeclined, target) }

// Unwrap returns the answer.
func (e *PaymentDeclinedError) Unwrap() error { return e.part() }

func (e PaymentDeclinedError) text() string {
	if e.DeclineCode == "" {
		return e.APIError.text()
	}
	return e.APIError.text() + " [" + clean(e.DeclineCode, maxCodeText) + "]"
}

// Format writes the error's line under every verb.
func (e PaymentDeclinedError) Format(f fmt.State, verb rune) { formatText(f, verb, e.text()) }

// LogValue implements slog.LogValuer.
func (e PaymentDeclinedError) LogValue() slog.Value { return slog.StringValue(e.text()) }

// MarshalJSON writes the facts of the error without headers or bodies.
func (e PaymentDeclinedError) MarshalJSON() ([]byte, error) {
	return marshalError(e.APIError, e.text())
}

// RequiresActionError is a payment that waits for its card holder (3-D Secure).
// No money has moved. Never repeat the call for it: read
// [WalletService.PaymentStatus], or hand the human a payment link
// ([BillingService.CreatePaymentLink]). It answers to [ErrRequiresAction].
type RequiresActionError struct {
	APIError
	PaymentIntentID string // "pi_…"
	ClientSecret    Secret // for Stripe's own front end; may be empty
}

// Error implements error.
func (e *RequiresActionError) Error() string { return e.text() }

// Is reports whether target is [ErrRequiresAction].
func (e *RequiresActionError) Is(target error) bool { return e.is(ErrRequiresAction, target) }

// Unwrap returns the answer.
func (e *RequiresActionError) Unwrap() error { return e.part() }

func (e RequiresActionError) text() string {
	if e.PaymentIntentID == "" {
		return e.APIError.text()
	}
	return e.APIError.text() + " [requires action: " + clean(e.PaymentIntentID, maxCodeText) + "]"
}

// Format writes the error's line under every verb.
func (e RequiresActionError) Format(f fmt.State, verb rune) { formatText(f, verb, e.text()) }

// LogValue implements slog.LogValuer.
func (e RequiresActionError) LogValue() slog.Value { return slog.StringValue(e.text()) }

// MarshalJSON writes the facts of the error without headers or bodies.
func (e RequiresActionError) MarshalJSON() ([]byte, error) { return marshalError(e.APIError, e.text()) }

// RateLimitError is a limiter that is used up: the server's word (429), or what
// its last answers said, and then nothing was sent and StatusCode is 0. It
// answers to [ErrRateLimited].
type RateLimitError struct {
	APIError
	Limiter    Limiter
	RetryAfter time.Duration // how long to wait; 0: not said
}

// Error implements error.
func (e *RateLimitError) Error() string { return e.text() }

// Is reports whether target is [ErrRateLimited].
func (e *RateLimitError) Is(target error) bool { return e.is(ErrRateLimited, target) }

// Unwrap returns the answer, if one came.
func (e *RateLimitError) Unwrap() error { return e.part() }

func (e RateLimitError) text() string {
	s := e.APIError.text()
	if e.RetryAfter > 0 {
		s += " [retry after " + e.RetryAfter.Round(time.Millisecond).String() + "]"
	}
	return s
}

// Format writes the error's line under every verb.
func (e RateLimitError) Format(f fmt.State, verb rune) { formatText(f, verb, e.text()) }

// LogValue implements slog.LogValuer.
func (e RateLimitError) LogValue() slog.Value { return slog.StringValue(e.text()) }

// MarshalJSON writes the facts of the error without headers or bodies.
func (e RateLimitError) MarshalJSON() ([]byte, error) { return marshalError(e.APIError, e.text()) }

// GenerationError is a job that ended without a result. It answers to
// [ErrGenerationFailed].
type GenerationError struct {
	APIError
	GenerationID string // empty if the job was refused before it had one
}

// Error implements error.
func (e *GenerationError) Error() string { return e.text() }

// Is reports whether target is [ErrGenerationFailed].
func (e *GenerationError) Is(target error) bool { return e.is(ErrGenerationFailed, target) }

// Unwrap returns the answer.
func (e *GenerationError) Unwrap() error { return e.part() }

func (e GenerationError) text() string {
	if e.GenerationID == "" {
		return e.APIError.text()
	}
	return e.APIError.text() + " [generation " + clean(e.GenerationID, maxCodeText) + "]"
}

// Format writes the error's line under every verb.
func (e GenerationError) Format(f fmt.State, verb rune) { formatText(f, verb, e.text()) }

// LogValue implements slog.LogValuer.
func (e GenerationError) LogValue() slog.Value { return slog.StringValue(e.text()) }

// MarshalJSON writes the facts of the error without headers or bodies.
func (e GenerationError) MarshalJSON() ([]byte, error) { return marshalError(e.APIError, e.text()) }

// SpendLimitError is a payment that its owner's limits do not allow. It was
// refused before any request. It answers to [ErrSpendLimit].
type SpendLimitError struct {
	Intent SpendIntent
	Limit  Amount // US dollars: the limit that does not allow it
	Spent  Amount // US dollars: what counts against it already
	Err    error  // why, where it is no sum: what Approve said, ErrFrozen, an unknown amount, a standing order
	Rule   string // which limit: "PerCall", "PerWindow", "Total", "StandingOrders.PerCharge", "StandingOrders.PerWindow" or "WithMaxCharge"
	Budget string // the policy's budget; "": the account's own
}

// Error implements error.
func (e *SpendLimitError) Error() string { return e.text() }

// Is reports whether target is [ErrSpendLimit].
func (e *SpendLimitError) Is(target error) bool { return target == ErrSpendLimit }

// Unwrap returns Err.
func (e *SpendLimitError) Unwrap() error { return e.Err }

func (e SpendLimitError) text() string {
	amount := "an unknown amount"
	if e.Intent.AmountKnown {
		amount = "$" + e.Intent.Amount.String()
	}
	s := "modelslab: " + clean(e.Intent.Endpoint, maxCodeText) + ": " + amount + " refused before anything was sent"
	if e.Err != nil {
		return s + ": " + clean(e.Err.Error(), maxMessageText)
	}
	rule := e.Rule
	if e.Budget != "" {
		rule += fmt.Sprintf(" of budget %q", clean(e.Budget, maxValueText))
	}
	if rule != "" {
		rule = " (" + rule + ")"
	}
	return s + ": the limit" + rule + " is $" + e.Limit.String() + ", $" + e.Spent.String() + " of it spent"
}

// Format writes the error's line under every verb.
func (e SpendLimitError) Format(f fmt.State, verb rune) { formatText(f, verb, e.text()) }

// LogValue implements slog.LogValuer.
func (e SpendLimitError) LogValue() slog.Value { return slog.StringValue(e.text()) }

// MarshalJSON writes the facts of the error.
func (e SpendLimitError) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Error  string      `json:"error"`
		Intent SpendIntent `json:"intent"`
		Limit  Amount      `json:"limit"`
		Spent  Amount      `json:"spent"`
		Rule   string      `json:"rule,omitzero"`
		Budget string      `json:"budget,omitzero"`
	}{e.text(), e.Intent, e.Limit, e.Spent, e.Rule, e.Budget})
}

// OutcomeUnknownError is a call of which nobody can say yet whether it was
// carried out: the money may have moved. Never call again under another key.
// Look first ([WalletService.PaymentStatus], [WalletService.Transactions],
// [SubscriptionsService.List]), or send the very same request with
// [WithIdempotencyKey] and the key that is here, while it is young. It answers
// to [ErrOutcomeUnknown].
type OutcomeUnknownError struct {
	Operation      string // the name given with WithOperation, if any
	Endpoint       string // "wallet.fund"
	IdempotencyKey string // empty for calls that carry none
	Amount         Amount // US dollars at stake, as far as the request says; 0: not said
	GenerationID   string // the job that an answer names which is otherwise no use: ask for it with Generation.Fetch; usually empty
	Err            error  // the last answer (*APIError) or what broke the connection
}

// Error implements error.
func (e *OutcomeUnknownError) Error() string { return e.text() }

// Is reports whether target is [ErrOutcomeUnknown].
func (e *OutcomeUnknownError) Is(target error) bool { return target == ErrOutcomeUnknown }

// Unwrap returns what was seen last. Context errors still match through it.
func (e *OutcomeUnknownError) Unwrap() error { return e.Err }

func (e OutcomeUnknownError) text() string {
	var b strings.Builder
	b.WriteString("modelslab: ")
	b.WriteString(clean(e.Endpoint, maxCodeText))
	b.WriteString(": outcome unknown, look before repeating it")
	if e.IdempotencyKey != "" {
		b.WriteString(" (key ")
		b.WriteString(clean(e.IdempotencyKey, maxKeyLength))
		b.WriteByte(')')
	}
	if e.GenerationID != "" {
		b.WriteString(" (it may be generation ")
		b.WriteString(clean(e.GenerationID, maxCodeText))
		b.WriteByte(')')
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(clean(e.Err.Error(), 2*maxMessageText))
	}
	return b.String()
}

// Format writes the error's line under every verb.
func (e OutcomeUnknownError) Format(f fmt.State, verb rune) { formatText(f, verb, e.text()) }

// LogValue implements slog.LogValuer.
func (e OutcomeUnknownError) LogValue() slog.Value { return slog.StringValue(e.text()) }

// MarshalJSON writes the facts of the error without headers or bodies.
func (e OutcomeUnknownError) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Error          string `json:"error"`
		Operation      string `json:"operation,omitzero"`
		Endpoint       string `json:"endpoint"`
		IdempotencyKey string `json:"idempotency_key,omitzero"`
		Amount         Amount `json:"amount,omitzero"`
		GenerationID   string `json:"generation_id,omitzero"`
	}{e.text(), e.Operation, e.Endpoint, e.IdempotencyKey, e.Amount, e.GenerationID})
}

// stoppedError is a retry that the caller's context ended: both what ended it
// and the last answer can be asked for.
type stoppedError struct{ stopped, last error }

func (e *stoppedError) Error() string {
	return e.stopped.Error() + " while retrying after: " + e.last.Error()
}

func (e *stoppedError) Unwrap() []error { return []error{e.stopped, e.last} }

// sealed keeps an error one pointer away from whoever holds it. fmt walks into a
// pointer in somebody's unexported field, where it cannot call our Format, as
// soon as the verb does not fit a pointer (%s, %d); it does not walk into the
// next one, and the headers and the body stay where they are.
type sealed struct{ err error }

// seal puts an error that holds an answer behind a pointer.
func seal(err error) error {
	//nolint:errorlint // what wraps one of these is a pointer away already
	switch err.(type) {
	case *APIError, *PaymentDeclinedError, *RequiresActionError, *RateLimitError, *GenerationError, *pendingError, *expiredError:
		return &sealed{err}
	}
	return err
}

func (e *sealed) Error() string                 { return e.err.Error() }
func (e *sealed) Unwrap() error                 { return e.err }
func (e *sealed) Format(f fmt.State, verb rune) { formatText(f, verb, e.err.Error()) }
func (e *sealed) LogValue() slog.Value          { return slog.StringValue(e.err.Error()) }
func (e *sealed) MarshalJSON() ([]byte, error)  { return json.Marshal(e.err) }

// as is errors.As with the result as a value.
func as[T error](err error) (found T, ok bool) {
	ok = errors.As(err, &found)
	return found, ok
}

// Lengths of foreign text in errors, in bytes.
const (
	maxMessageText = 200
	maxCodeText    = 80
	maxValueText   = 60
)

// clean makes foreign text fit for one short line: no control characters, no
// runs of white space, at most limit bytes.
func clean(s string, limit int) string {
	ok := len(s) <= limit
	for i := 0; ok && i < len(s); i++ {
		ok = s[i] >= ' ' && s[i] < utf8.RuneSelf && s[i] != 0x7f && (s[i] != ' ' || i == 0 || s[i-1] != ' ')
	}
	if ok {
		return s
	}
	var b strings.Builder
	space := false
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			space = true
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		if b.Len()+utf8.RuneLen(r) > limit {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// formatText is Format for types that show one line and nothing else.
func formatText(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}

func marshalError(e APIError, text string) ([]byte, error) {
	return json.Marshal(struct {
		Error          string `json:"error"`
		Status         int    `json:"status,omitzero"`
		Code           string `json:"code,omitzero"`
		RequestID      string `json:"request_id,omitzero"`
		IdempotencyKey string `json:"idempotency_key,omitzero"`
		Attempts       int    `json:"attempts,omitzero"`
	}{text, e.StatusCode, clean(e.Code, maxCodeText), clean(e.RequestID, maxCodeText), e.IdempotencyKey, e.Attempts})
}

// secretForms are the secrets that foreign text is known to carry.
var secretForms = regexp.MustCompile(`\b(?:(?:pi|seti|cs)_\w+?_secret_\w+|(?:sk|rk)_(?:live|test)_\w+)|\b\d(?:[ -]?\d){11,}`)

// scrubText takes client secrets, secret keys and anything as long as a card
// number out of foreign text.
func scrubText(s string) string {
	if !mayBeCardNumber(s) && !strings.Contains(s, "_secret_") && !strings.Contains(s, "sk_") && !strings.Contains(s, "rk_") {
		return s // the common case, without the expression
	}
	return secretForms.ReplaceAllString(s, redacted)
}
