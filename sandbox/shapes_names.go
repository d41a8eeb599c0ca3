package sandbox

import "strings"

// synonym is another name for the same thing.
type synonym struct {
	endpoints string
	// from are the names of the thing, of which the first that is there is taken, and the
	// others go. to is the name it gets: "wallet.balance" is inside another object, and
	// "^token" stands beside data.
	from, to string
}

// Endpoints that share their names.
const (
	sessions = "auth.login auth.verify_email auth.verify auth.refresh auth.switch_account"
	fundings = "wallet.balance wallet.fund wallet.confirm_checkout wallet.redeem_coupon wallet.withdraw wallet.set_auto_funding"
	models   = "models.search models.get"
	profiles = "profile.get profile.update"
	cards    = "billing.payment_methods billing.attach_payment_method billing.set_default_payment_method"
	infos    = "billing.info billing.update_info"
	members  = "teams.list teams.get teams.update teams.invite"
)

// commandLineNames are those that the vendor's command line looks for.
func commandLineNames() []rule {
	return append(renamed(
		synonym{sessions, "access_token", "token"},
		synonym{fundings, "balance", "wallet.balance"},
		synonym{"wallet.balance", "currency", "wallet.currency"},
		synonym{profiles, "about_me", "about"},
		synonym{models, "model_name name title", "name"},
		synonym{models, "provider", "model_category"},
		synonym{"usage.products", "product name", "product"},
		synonym{"usage.products", "requests calls", "requests"},
		synonym{"subscriptions.plans", "period", "interval"},
		synonym{"billing.invoice_links", "pdf_url", "url"},
	),
		success("billing.invoice_links", unwrap),
		success("models.providers models.filters", elementsAsText),
	)
}

// otherNames are those that siblings of the API use, and Stripe, and the framework.
func otherNames() []rule {
	return append(renamed(
		synonym{sessions, "access_token", "^token"},
		synonym{fundings, "balance", "wallet_balance"},
		synonym{profiles, "wallet_balance", "wallet.balance"},
		synonym{"billing.overview", "wallet_balance", "wallet.balance"},
		synonym{models, "model_name name title", "title"},
		synonym{models, "model_type", "feature"},
		synonym{"auth.tokens", "scopes", "abilities"},
		synonym{"usage.products", "name product", "name"},
		synonym{"usage.products", "calls requests", "calls"},
		synonym{cards, "brand", "card.brand"},
		synonym{cards, "last4", "card.last4"},
		synonym{cards, "exp_month", "card.exp_month"},
		synonym{cards, "exp_year", "card.exp_year"},
		synonym{infos, "address_line1", "address.line1"},
		synonym{infos, "address_line2", "address.line2"},
		synonym{infos, "address_city", "address.city"},
		synonym{infos, "address_state", "address.state"},
		synonym{infos, "address_postal_code", "address.postal_code"},
		synonym{infos, "address_country", "address.country"},
		synonym{"billing.invoice_links", "pdf_url", "invoice_pdf"},
		synonym{"billing.invoice_links", "receipt_url", "hosted_invoice_url"},
		synonym{members, "status", "invite_status"},
	),
		success("billing.setup_intent", idBeside("setup_intent_id")),
		success("models.tags models.filters", elementsAsObjects),
	)
}

func renamed(synonyms ...synonym) []rule {
	var rules []rule
	for _, s := range synonyms {
		rules = append(rules, success(s.endpoints, func(d *draft) {
			for _, record := range d.records() {
				s.rename(record, d.around)
			}
		}))
	}
	return rules
}

func (s synonym) rename(record, around object) {
	var value any
	found := false
	for _, name := range strings.Fields(s.from) {
		v, there := record[name]
		delete(record, name)
		if there && !found {
			value, found = v, true
		}
	}
	if !found {
		return
	}
	to, beside := strings.CutPrefix(s.to, "^")
	if beside {
		record = around
	}
	if outer, inner, nested := strings.Cut(to, "."); nested {
		if _, isObject := record[outer].(object); !isObject {
			record[outer] = object{}
		}
		record, to = record[outer].(object), inner
	}
	if _, there := record[to]; !there {
		record[to] = value
	}
}

// idBeside repeats an id under its plain name, as Stripe's own object has it.
func idBeside(name string) func(*draft) {
	return func(d *draft) {
		for _, record := range d.records() {
			if id, there := record[name]; there {
				record["id"] = id
			}
		}
	}
}

func elementsAsText(d *draft) {
	d.eachElement(func(_ int, v any) any {
		element, _ := v.(object)
		if name, named := element["name"].(string); named {
			return name
		}
		return v
	})
}

func elementsAsObjects(d *draft) {
	d.eachElement(func(i int, v any) any {
		name, isText := v.(string)
		if !isText {
			return v
		}
		slug := strings.ReplaceAll(strings.ToLower(name), " ", "-")
		return object{"id": number(i + 1), "name": name, "slug": slug}
	})
}

// eachElement revises the elements of a list, or of every list in an object.
func (d *draft) eachElement(f func(i int, v any) any) {
	var all [][]any
	if l, isList := d.list(); isList {
		all = append(all, l.items)
	} else if data, isObject := d.data.(object); isObject {
		for _, v := range data {
			items, _ := v.([]any)
			all = append(all, items)
		}
	}
	for _, items := range all {
		for i, v := range items {
			items[i] = f(i, v)
		}
	}
}
