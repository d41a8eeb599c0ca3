package modelslab

import (
	"net"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What cannot be right is said here, before any network: a ParamError names the
// argument, what it was and what is allowed. Secrets are never repeated.

// checkPath refuses paths that would not reach the place they name.
func checkPath(param, path string) error {
	reason := ""
	switch {
	case path == "" || path[0] != '/':
		reason = "must start with a slash"
	case strings.ContainsAny(path, "?#"):
		reason = "must hold no query; give url.Values instead"
	case strings.ContainsAny(path, "%\\") || hasControl(path) || strings.Contains(path, " "):
		reason = "must hold no escapes, backslashes, spaces or control characters"
	case len(path) > 1 && path[len(path)-1] == '/':
		reason = "must not end with a slash"
	}
	for _, element := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		if reason == "" && (element == "" || element == "." || element == "..") {
			reason = "must be clean: no empty element, no . and no .."
		}
	}
	if reason != "" {
		return &ParamError{Param: param, Value: path, Reason: reason}
	}
	return nil
}

// checkElement refuses what cannot be one element of a path.
func checkElement(param, s string) error {
	reason := ""
	switch {
	case strings.TrimSpace(s) == "":
		reason = "is empty"
	case s == "." || s == "..":
		reason = "is no id"
	case strings.ContainsAny(s, "/\\") || hasControl(s):
		reason = "must hold no slash and no control character"
	}
	if looksLikeCardNumber(s) {
		return &ParamError{Param: param, Reason: "is a card number; an id is needed"}
	}
	if reason != "" && mayBeCardNumber(s) {
		return &ParamError{Param: param, Reason: reason} // and is not repeated
	}
	if reason != "" {
		return &ParamError{Param: param, Value: s, Reason: reason}
	}
	return nil
}

// checkModelID is checkElement for ids that may hold slashes, which are escaped.
func checkModelID(param, id string) error {
	switch id {
	case "filters", "tags", "providers":
		return &ParamError{Param: param, Value: id, Reason: "is no model: it would call Models." + strings.ToUpper(id[:1]) + id[1:]}
	}
	for _, element := range strings.Split(id, "/") {
		if err := checkElement(param, element); err != nil {
			return err
		}
	}
	return nil
}

func checkEmail(param, s string) error {
	at := strings.LastIndexByte(s, '@')
	domain := s[at+1:]
	if at < 1 || domain == "" || len(s) > 254 || strings.ContainsAny(s, " \t<>,;\"") || hasControl(s) ||
		strings.Count(s, "@") != 1 || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") || strings.Contains(domain, "..") {
		return &ParamError{Param: param, Value: s, Reason: "is no e-mail address"}
	}
	return nil
}

func checkNotEmpty(param string, s Secret) error {
	switch s.Reveal() {
	case "":
		return &ParamError{Param: param, Reason: "is empty"}
	case redacted:
		return &ParamError{Param: param, Reason: "is " + redacted + ": a printed Secret, not a revealed one"}
	}
	return nil
}

func checkAmount(param string, a Amount) error {
	switch {
	case a.Sign() <= 0:
		return &ParamError{Param: param, Value: a.String(), Reason: "must be more than $0"}
	case !a.hasCents():
		return &ParamError{Param: param, Value: a.String(), Reason: "must have at most two decimals"}
	}
	return nil
}

// checkLeast is checkAmount with a documented minimum, in whole dollars.
func checkLeast(param string, a Amount, least int64) error {
	if err := checkAmount(param, a); err != nil {
		return err
	}
	if a.Less(Dollars(least)) {
		return &ParamError{Param: param, Value: a.String(), Reason: "must be at least $" + itoa(least)}
	}
	return nil
}

func checkID(param string, id ID) error {
	if id <= 0 {
		return &ParamError{Param: param, Value: itoa(int64(id)), Reason: "an id is needed, 1 or more"}
	}
	return nil
}

var (
	paymentMethodForm = regexp.MustCompile(`^pm_[A-Za-z0-9_]{1,250}$`)
	paymentIntentForm = regexp.MustCompile(`^pi_[A-Za-z0-9_]{1,250}$`)
	setupIntentForm   = regexp.MustCompile(`^seti_[A-Za-z0-9_]{1,250}$`)
	subscriptionForm  = regexp.MustCompile(`^sub_[A-Za-z0-9_]{1,250}$`)
	sessionForm       = regexp.MustCompile(`^cs_[A-Za-z0-9_]{1,250}$`)
)

// mayBeCardNumber reports whether s has as many digits as a card number, however
// they are mistyped or set off: such a thing is not repeated.
func mayBeCardNumber(s string) bool {
	digits := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			digits++
		}
	}
	return digits >= minCardDigits
}

// checkStripeID refuses what is no id of the form, and a card number as such.
func checkStripeID(param, s, prefix string, form *regexp.Regexp) error {
	switch {
	case strings.Contains(s, "_secret_"), strings.HasPrefix(s, "sk_"), strings.HasPrefix(s, "rk_"):
		return &ParamError{Param: param, Reason: "is a secret; the id is needed (" + prefix + "…)"}
	case form.MatchString(s) && !looksLikeCardNumber(strings.TrimPrefix(s, prefix)):
		return nil
	case mayBeCardNumber(s):
		return &ParamError{Param: param, Reason: "has the digits of a card number, which must never be sent here: give the card to Billing.TokenizeCard and use the id (pm_…) that it returns"}
	}
	return &ParamError{Param: param, Value: s, Reason: "must be an id of Stripe's, " + prefix + "…"}
}

func checkPaymentMethod(param, s string) error {
	return checkStripeID(param, s, "pm_", paymentMethodForm)
}

func checkSession(param, s string) error { return checkStripeID(param, s, "cs_", sessionForm) }

var publishableKey = regexp.MustCompile(`^pk_(live|test)_[A-Za-z0-9]{1,250}$`)

// checkPublishableKey lets nothing pass that is not a publishable key, and
// never prints what it was.
func checkPublishableKey(param, key string) error {
	switch {
	case strings.HasPrefix(key, "sk_"), strings.HasPrefix(key, "rk_"):
		return &ParamError{Param: param, Reason: "is a secret key of Stripe's, which has no place in a client; a publishable one (pk_live_… or pk_test_…) is needed"}
	case !publishableKey.MatchString(key):
		return &ParamError{Param: param, Reason: "must be a publishable key of Stripe's, pk_live_… or pk_test_…"}
	}
	return nil
}

func checkReturnURL(param, s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return &ParamError{Param: param, Value: s, Reason: "must be an https URL"}
	}
	return nil
}

// parseOrigin reads "scheme://host[:port]".
func parseOrigin(param, origin string) (scheme, host string, err error) {
	bad := func(reason string) (string, string, error) {
		return "", "", &ParamError{Param: param, Value: redactUserinfo(origin), Reason: reason}
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return bad("an origin is needed, such as " + defaultOrigin)
	}
	switch {
	case u.User != nil:
		return bad("must hold no user or password")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return bad("must be an origin alone, without path or query")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u.Scheme, oneSpelling(u), nil
	}
	return bad("must be https; plain http is allowed on loopback only")
}

// oneSpelling is an origin's host as it is compared: in lower case, without the
// root's dot and without the scheme's own port.
func oneSpelling(u *url.URL) string {
	name, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return name
	}
	return name + ":" + port
}

func redactUserinfo(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return "…" + s[i:]
	}
	return s
}

// isLoopback reports whether host is this machine without asking anybody.
func isLoopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

// checkOut refuses what an answer cannot be decoded into.
func checkOut(out any) error {
	if v := reflect.ValueOf(out); v.Kind() != reflect.Pointer || v.IsNil() {
		return &ParamError{Param: "out", Reason: "must be a pointer that is not nil"}
	}
	return nil
}

func checkHTTPClient(param string, hc *http.Client) error {
	switch {
	case hc == nil:
		return &ParamError{Param: param, Reason: "nil"}
	case hc.Timeout < 0:
		return &ParamError{Param: param, Value: hc.Timeout.String(), Reason: "the Timeout must not be negative"}
	}
	return nil
}

// checkCredential refuses what could not be sent in a header, unprinted.
func checkCredential(param, s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return &ParamError{Param: param, Reason: "is empty"}
	case hasControl(s), strings.TrimSpace(s) != s:
		return &ParamError{Param: param, Reason: "holds white space or a control character where none can be"}
	case s == redacted:
		return &ParamError{Param: param, Reason: "is " + redacted + ": a printed Secret, not a revealed one"}
	}
	return nil
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// isToken reports whether s can be a header's name (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// reservedHeader names the headers that WithHeader may not touch.
func reservedHeader(canonical string) bool {
	switch canonical {
	case "Authorization", "Proxy-Authorization", "Cookie", "Host", "Accept", "Accept-Encoding", "Transfer-Encoding", "Te", "Trailer",
		"Connection", "Keep-Alive", "Upgrade", "Expect", "User-Agent", "Idempotency-Key", "X-Idempotency-Key", "Key", "X-Api-Key", "X-Agent-Token",
		"X-Method-Override":
		return true
	}
	// X-Http-Method-Override and its like make another call of a POST.
	return strings.HasPrefix(canonical, "Content-") || strings.HasPrefix(canonical, "Proxy-") || strings.HasPrefix(canonical, "X-Http-Method")
}

// holdsSecret looks for a Secret anywhere in v.
func holdsSecret(v reflect.Value, depth int) bool {
	if !v.IsValid() {
		return false
	}
	if depth > 100 {
		return true // too deep to tell
	}
	t := v.Type()
	if t == reflect.TypeFor[Secret]() || t == reflect.TypeFor[Card]() {
		return true
	}
	if t == inputType {
		return false // a file, and whatever its reader is made of
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && holdsSecret(v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			if holdsSecret(v.Field(i), depth+1) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		if k := t.Elem().Kind(); k < reflect.Array || k == reflect.String {
			return false // of numbers or text
		}
		for i := range v.Len() {
			if holdsSecret(v.Index(i), depth+1) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if holdsSecret(it.Value(), depth+1) || holdsSecret(it.Key(), depth+1) {
				return true
			}
		}
	}
	return false
}

// checkSome refuses an update that changes nothing.
func checkSome(param string, set ...bool) error {
	if slices.Contains(set, true) {
		return nil
	}
	return &ParamError{Param: param, Reason: "changes nothing: every field is nil"}
}

// maxPage is the most that one page holds, as documented of transactions and
// usage history.
const maxPage = 200

func checkLimit(param string, n int) error {
	if n < 0 || n > maxPage {
		return &ParamError{Param: param, Value: strconv.Itoa(n), Reason: "must be 1 to " + strconv.Itoa(maxPage) + ", or 0 for the server's default"}
	}
	return nil
}

// checkText refuses what cannot be a word of a query.
func checkText(param, s string) error {
	if hasControl(s) {
		return &ParamError{Param: param, Value: s, Reason: "must hold no control character"}
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
