package sandbox

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Shape is a way to write the answers of the Agents API that differs from the documented
// one and that the real service may well use: sources contradict each other, and many
// answers are documented nowhere. Shapes are named for table tests. What is done, and for
// whom, is the same in each of them.
type Shape struct {
	Name string
	// Options are what New needs to make a server of this shape. Those of several shapes can
	// be given to one server: each changes what the ones before it have left.
	Options []Option

	rules []rule
}

// Changes reports whether the shape has a rule for an endpoint's answers, by the endpoint's
// name: "wallet.fund". Rules for a kind of value, such as times, and rules for failures are
// for every endpoint of the Agents API, whether or not its answers hold one; rules for lists,
// names and statuses are for those endpoints alone that they change.
func (s Shape) Changes(endpoint string) bool {
	known := slices.ContainsFunc(routeTable(), func(r route) bool {
		return r.name == endpoint && r.surface == SurfaceAgents
	})
	return known && slices.ContainsFunc(s.rules, func(r rule) bool { return r.where(endpoint) })
}

// Shapes lists the alternatives to the documented shape. No answer loses in one of them what
// a client cannot do without: tokens, keys, ids, what became of a payment.
func Shapes() []Shape {
	return []Shape{
		// Lists.
		shape("lists as bare arrays", lists(bareArray)...),
		shape("lists in items with pagination", lists(itemsPaged)...),
		shape("lists in items with count and total", lists(itemsCounted)...),
		shape("lists under their names", append(lists(underName), success("teams.list", inviteesUnder("invitations")))...),
		shape("lists by kind",
			success("usage.products", productsByName),
			success("teams.list", inviteesUnder("invites")),
			success("subscriptions.list", subscriptionsByKind)),
		shape("lists with the total in meta", lists(totalInMeta)...),
		shape("framework paginator", lists(paginator)...),
		shape("framework resources", lists(resource)...),

		// The envelope.
		shape("bare answers", success(everywhere, unwrap)),
		shape("envelope everywhere").with(WithEnvelopeEverywhere(), "billing.stripe_config billing.payment_link"),
		shape("data and nothing else", success(everywhere, dropAround)),
		shape("empty meta", success(everywhere, emptyMeta)),

		// Names.
		shape("command-line synonyms", commandLineNames()...),
		shape("other synonyms", otherNames()...),

		// Scalars.
		shape("numbers and booleans as text", success(everywhere, each(numberAsText, boolean("1", "0"), currency(strings.ToLower)))),
		shape("booleans as numbers, ids as text", success(everywhere, each(idAsText, boolean(json.Number("1"), json.Number("0")), currency(strings.ToUpper)))),
		shape("booleans as words", success(everywhere, each(boolean("yes", "no")))),

		// Times.
		shape("times with an offset", success(everywhere, each(timeAs("2006-01-02T15:04:05-07:00")))),
		shape("times with microseconds", success(everywhere, each(timeAs(microseconds)))),
		shape("times without a zone, or empty", success(everywhere, each(timeAs(time.DateTime), noTimeAsText))),

		// Emptiness.
		shape("empty objects as arrays", rule{where: always, success: each(emptyAsArray), failure: each(emptyAsArray)}),
		shape("null left out", success(everywhere, inData(dropNulls))),
		shape("null for what is empty or absent", success(everywhere, inData(emptyTextAsNull)), success(everywhere, addNulls)),

		// Statuses.
		shape("created is 201, deleted is 204", success(creations200, created(http.StatusCreated)), success(deletions, silence(http.StatusNoContent))),
		shape("created is 200, deleted is empty", success(creations201, created(http.StatusOK)), success(deletions, silence(http.StatusOK))),
		shape("messages only", success(talkative, messageOnly)),
		shape("messages only, bare", success(talkative, messageOnly), success(talkative+" "+reticent, unwrap)),

		// Failures.
		shape("framework errors").with(WithFrameworkErrors(), everywhere),
		shape("errors as text", failure(errorAsText)),
		shape("errors with little in them", failure(firstMessages), failure(littleError)),
		shape("3-D Secure is 402").with(WithActionRequiredAs402(), payments),

		// Several at once.
		shape("a framework left alone", slices.Concat(lists(paginator), []rule{
			success(everywhere, unwrap),
			success(everywhere, each(timeAs(microseconds), amountAsText, boolean(json.Number("1"), json.Number("0")))),
			success(creations200, created(http.StatusCreated)),
			success(deletions, silence(http.StatusNoContent)),
		})...).with(WithFrameworkErrors(), everywhere),
		shape("everything as text", slices.Concat(otherNames(), lists(itemsPaged), []rule{
			success(everywhere, emptyMeta),
			success(everywhere, inData(dropNulls)),
			success(everywhere, each(timeAs(time.DateTime), numberAsText, boolean("yes", "no"))),
			failure(firstMessages),
		})...),
	}
}

// Endpoints that share a rule.
const (
	everywhere = ""

	// Creations, by the status that they have.
	creations200 = "billing.attach_payment_method billing.setup_intent billing.payment_link wallet.fund subscriptions.create"
	creations201 = "auth.signup api_keys.create teams.invite"

	deletions = "auth.logout auth.logout_all auth.revoke_token auth.revoke_other_tokens api_keys.delete " +
		"billing.delete_payment_method wallet.disable_auto_funding teams.delete"

	// payments are made by a card, which may ask for 3-D Secure.
	payments = "wallet.fund wallet.redeem_coupon subscriptions.create subscriptions.change_plan subscriptions.resume " +
		"subscriptions.reset_cycle subscriptions.charge_amount subscriptions.fix_payment"

	// Changes of which nothing says what they answer, and after which a client can ask for
	// whatever it needs: those that answer more than a message here, and the others.
	talkative = "auth.signup profile.update_socials profile.update_preferences " +
		"billing.attach_payment_method billing.set_default_payment_method billing.update_info " +
		"wallet.set_auto_funding wallet.disable_auto_funding wallet.withdraw wallet.redeem_coupon " +
		"subscriptions.charge_amount subscriptions.change_plan subscriptions.pause subscriptions.resume " +
		"subscriptions.reset_cycle subscriptions.fix_payment teams.invite teams.accept_invite"
	reticent = "auth.logout auth.logout_all auth.revoke_token auth.revoke_other_tokens auth.resend_verification " +
		"auth.forgot_password auth.reset_password profile.update_password api_keys.delete " +
		"billing.delete_payment_method teams.delete teams.resend_invite"
)

// rule is one difference between two shapes.
type rule struct {
	where   func(endpoint string) bool
	success func(*draft) // nil: successes stay as they are
	failure func(*draft) // nil: likewise
}

func always(string) bool { return true }

// at is the endpoints in a list of names with blanks between them.
func at(endpoints string) func(string) bool {
	if endpoints == everywhere {
		return always
	}
	names := strings.Fields(endpoints)
	return func(endpoint string) bool { return slices.Contains(names, endpoint) }
}

func success(endpoints string, change func(*draft)) rule {
	return rule{where: at(endpoints), success: change}
}

func failure(change func(*draft)) rule { return rule{where: always, failure: change} }

func shape(name string, rules ...rule) Shape {
	s := Shape{Name: name, rules: rules}
	s.Options = []Option{func(t *settings) { t.shape = append(t.shape, rules...) }}
	return s
}

// with adds an option of its own standing, and the endpoints that it is about.
func (s Shape) with(o Option, endpoints string) Shape {
	s.Options = append(s.Options, o)
	s.rules = append(slices.Clip(s.rules), rule{where: at(endpoints)})
	return s
}

// reshape writes an answer as the server's shape wants it.
func (s *Server) reshape(c *call, a answer) answer {
	if a.body == nil || c.route.surface != SurfaceAgents {
		return a
	}
	changes := changesOf(s.shape, c.route.name, a.status)
	if len(changes) == 0 {
		return a
	}
	d := openDraft(a)
	d.endpoint, d.query, d.url = c.route.name, c.log.Query, s.url+c.log.Path
	for _, change := range changes {
		change(d)
	}
	return d.finish(a)
}

func changesOf(rules []rule, endpoint string, status int) []func(*draft) {
	var changes []func(*draft)
	for _, r := range rules {
		change := r.success
		if status >= http.StatusBadRequest {
			change = r.failure
		}
		if change != nil && r.where(endpoint) {
			changes = append(changes, change)
		}
	}
	return changes
}

// draft is an answer taken apart: JSON values of which nobody else holds any part.
type draft struct {
	endpoint string
	query    url.Values
	url      string // of the request, without the query

	status    int
	enveloped bool   // data stands in an envelope
	around    object // the other members of the envelope
	data      any
	silent    bool // there shall be no body
}

func openDraft(a answer) *draft {
	d := &draft{status: a.status, around: object{}, data: copyJSON(a)}
	body, _ := d.data.(object)
	_, hasData := body["data"]
	_, hasError := body["error"]
	if d.enveloped = hasData || hasError; d.enveloped {
		d.around, d.data = body, body["data"]
		delete(d.around, "data")
	}
	return d
}

// copyJSON is the body as a client will read it, whatever Go values it was made of.
func copyJSON(a answer) (body any) {
	d := json.NewDecoder(bytes.NewReader(a.bytes()))
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		panic("sandbox: an answer does not decode: " + err.Error())
	}
	return body
}

// finish puts the answer together again.
func (d *draft) finish(a answer) answer {
	a.status, a.body = d.status, nil
	if d.silent {
		a.header = a.header.Clone()
		a.header.Del("Content-Type")
		return a
	}
	members, isObject := d.data.(object)
	switch {
	case !d.enveloped && isObject:
		maps.Copy(d.around, members)
		a.body = d.around
	case !d.enveloped && len(d.around) == 0:
		a.body = d.data
	case !d.enveloped && d.data == nil:
		a.body = d.around
	default: // an array has no place for what stands around it, except in an envelope
		d.around["data"] = d.data
		a.body = d.around
	}
	return a
}

// records are the objects that an answer is about: the rows of a list, or its data.
func (d *draft) records() []object {
	var all []object
	rows := []any{d.data}
	if l, isList := d.list(); isList {
		rows = l.items
	}
	for _, row := range rows {
		if record, isObject := row.(object); isObject {
			all = append(all, record)
		}
	}
	return all
}

// The envelope.

func unwrap(d *draft) {
	switch d.data.(type) {
	case object, []any:
		d.enveloped, d.around = false, object{}
	}
}

func dropAround(d *draft) { d.around = object{} }

func emptyMeta(d *draft) {
	if d.enveloped {
		d.around["meta"] = object{}
	}
}

// Statuses.

func (d *draft) done() bool { return d.status == http.StatusOK || d.status == http.StatusCreated }

func created(status int) func(*draft) {
	return func(d *draft) {
		if d.done() {
			d.status = status
		}
	}
}

func silence(status int) func(*draft) {
	return func(d *draft) {
		if d.done() {
			d.status, d.silent = status, true
		}
	}
}

func messageOnly(d *draft) {
	if !d.done() {
		return // a card that asks for 3-D Secure has more to say
	}
	data, _ := d.data.(object)
	message, said := data["message"].(string)
	if !said {
		message = "Done."
	}
	d.data = object{"message": message}
}

// Failures. The two documented ones, failed validation and a declined card, stay objects:
// their details are what they are for.

func (d *draft) refusal() (fault, details object) {
	fault, _ = d.around["error"].(object)
	details, _ = fault["details"].(object)
	return fault, details
}

// errorAsText makes an error without details a plain text, and its code stand beside it.
func errorAsText(d *draft) {
	if fault, details := d.refusal(); fault != nil && len(details) == 0 {
		d.around["error"], d.around["code"] = fault["message"], fault["code"]
	}
}

// firstMessages leaves a field one message, as text.
func firstMessages(d *draft) {
	fault, details := d.refusal()
	for field, messages := range details {
		if list, isList := messages.([]any); isList && len(list) > 0 && fault["code"] == "validation_error" {
			details[field] = list[0]
		}
	}
}

// littleError leaves out what can be missing: data, meta, and details that say nothing.
func littleError(d *draft) {
	fault, details := d.refusal()
	if fault == nil {
		return
	}
	if len(details) == 0 {
		delete(fault, "details")
	}
	delete(d.around, "meta")
	d.enveloped = false
}

// Values, wherever they stand.

// revision is another way to write a value, which stands under that name.
type revision func(name string, v any) any

// each revises every value of an answer.
func each(revisions ...revision) func(*draft) {
	return func(d *draft) {
		for _, f := range revisions {
			d.data = walk("data", d.data, f)
			for name, v := range d.around {
				d.around[name] = walk(name, v, f)
			}
		}
	}
}

// inData revises the data alone: error is documented as null, and stays there.
func inData(f revision) func(*draft) {
	return func(d *draft) { d.data = walk("data", d.data, f) }
}

// walk revises a value from the inside out. An element of an array stands under the
// array's name. What a model's parameters hold is a document of its own.
func walk(name string, v any, f revision) any {
	raw := name == "parameters" || name == "config"
	switch v := v.(type) {
	case object:
		for k, inner := range v {
			if !raw {
				v[k] = walk(k, inner, f)
			}
		}
	case []any:
		for i, inner := range v {
			if !raw {
				v[i] = walk(name, inner, f)
			}
		}
	}
	return f(name, v)
}

func numberAsText(_ string, v any) any {
	if n, isNumber := v.(json.Number); isNumber {
		return n.String()
	}
	return v
}

// amountAsText is what the framework makes of decimals.
func amountAsText(_ string, v any) any {
	if n, isNumber := v.(json.Number); isNumber && strings.Contains(n.String(), ".") {
		return n.String()
	}
	return v
}

func idAsText(name string, v any) any {
	if name == "id" || strings.HasSuffix(name, "_id") {
		return numberAsText(name, v)
	}
	return v
}

func boolean(yes, no any) revision {
	return func(_ string, v any) any {
		switch v {
		case true:
			return yes
		case false:
			return no
		}
		return v
	}
}

func currency(spell func(string) string) revision {
	return func(name string, v any) any {
		if text, isText := v.(string); isText && name == "currency" {
			return spell(text)
		}
		return v
	}
}

const microseconds = "2006-01-02T15:04:05.000000Z"

func timeAs(layout string) revision {
	return func(_ string, v any) any {
		text, _ := v.(string)
		t, err := time.Parse("2006-01-02T15:04:05Z", text)
		if err != nil {
			return v
		}
		return t.Format(layout)
	}
}

// noTimeAsText writes a time that never comes as an empty text.
func noTimeAsText(name string, v any) any {
	if v == nil && (strings.HasSuffix(name, "_at") || strings.HasSuffix(name, "_date")) {
		return ""
	}
	return v
}

// emptyAsArray is PHP, which does not tell an empty object from an empty array. An object
// of nulls is what some take for an empty one.
func emptyAsArray(name string, v any) any {
	members, isObject := v.(object)
	for _, inner := range members {
		isObject = isObject && inner == nil
	}
	if isObject || v == nil && (name == "parameters" || name == "active_subscription") {
		return []any{}
	}
	return v
}

func dropNulls(_ string, v any) any {
	if members, isObject := v.(object); isObject {
		maps.DeleteFunc(members, func(_ string, inner any) bool { return inner == nil })
	}
	return v
}

func emptyTextAsNull(_ string, v any) any {
	if v == "" {
		return nil
	}
	return v
}

// addNulls names what an answer could say besides, or in other words.
func addNulls(d *draft) {
	for _, record := range d.records() {
		for _, name := range strings.Fields(optionals()[d.endpoint]) {
			if _, there := record[name]; !there {
				record[name] = nil
			}
		}
	}
}

// optionals are names that sources know and that the documented answer does without.
func optionals() map[string]string {
	const session = "token token_expiry token_expiry_effective token_lifetime_capped scopes api_key message"
	const model = "name title model_category model_format instance_prompt screenshots featured"
	const holding = "wallet wallet_balance"
	const card = "card name"
	const info = "address address_line1 address_line2"
	return map[string]string{
		"auth.login": session, "auth.verify_email": session, "auth.verify": session,
		"auth.refresh": session, "auth.switch_account": session,
		"auth.tokens": "abilities",
		"profile.get": "about", "profile.update": "about",
		"usage.products": "total_api_call api_call_remaining percentage_used",
		"models.search":  model, "models.get": model,
		"billing.overview":     "wallet",
		"billing.setup_intent": "id payment_method",
		"billing.payment_link": "amount url checkout_url",
		"billing.info":         info, "billing.update_info": info,
		"billing.payment_methods": card, "billing.attach_payment_method": card,
		"billing.invoice_links": "url invoice_pdf hosted_invoice_url",
		"wallet.balance":        holding, "wallet.fund": holding, "wallet.confirm_checkout": holding,
		"subscriptions.create": "checkout_url",
		"subscriptions.plans":  "description interval",
		"subscriptions.list":   "stripe_status canceled_at", "subscriptions.status": "stripe_status canceled_at",
		"teams.list": "invite_status invite_id", "teams.get": "invite_status invite_id",
	}
}
