package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// wallet is prepaid money, and the ledger of how it came and went.
type wallet struct {
	balance, credited, used int64
	rows                    []transaction // oldest first
}

type transaction struct {
	movement
	number  int64
	kind    string // credit or debit
	cents   int64
	created time.Time
}

// movement says what an amount moved for.
type movement struct {
	source      string // stripe, api, coupon, sandbox
	id          string // the payment intent, or the generation
	usecase     string
	description string
}

func (s *Server) credit(a *account, cents int64, m movement) {
	a.wallet.balance += cents
	a.wallet.credited += cents
	s.enter(a, "credit", cents, m)
}

func (s *Server) debit(a *account, cents int64, m movement) {
	a.wallet.balance -= cents
	a.wallet.used += cents
	s.enter(a, "debit", cents, m)
	s.topUp(a)
}

func (s *Server) enter(a *account, kind string, cents int64, m movement) {
	a.wallet.rows = append(a.wallet.rows, transaction{
		movement: m, number: s.nextID("transaction", 456), kind: kind, cents: cents, created: s.clock(),
	})
}

// walletFunding is how ledger, invoices and pages call it.
const walletFunding = "Wallet funding"

// creditFunding is what money for the wallet is for.
func (s *Server) creditFunding(in *intent) {
	s.credit(in.account, in.cents, movement{
		source: "stripe", id: in.id, usecase: "wallet_funding", description: walletFunding,
	})
}

func (s *Server) balance(c *call) answer {
	return c.ok(object{"balance": s.dollars(c.account.wallet.balance), "currency": "USD"})
}

// Page sizes of the transactions, as documented.
const (
	defaultPage = 50
	largestPage = 200
)

func (s *Server) transactions(c *call) answer {
	problems := bag{}
	kind := c.log.Query.Get("type")
	if kind != "" && kind != "credit" && kind != "debit" {
		problems.add("type", "The selected type is invalid.")
	}
	limit := c.queryNumber("limit", defaultPage, 1, largestPage, problems)
	offset := c.queryNumber("offset", 0, 0, 1<<31-1, problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	items, total := []any{}, 0
	rows := c.account.wallet.rows
	for i := len(rows) - 1; i >= 0; i-- { // newest first
		if kind != "" && rows[i].kind != kind {
			continue
		}
		if total >= offset && len(items) < limit {
			items = append(items, s.transactionJSON(rows[i]))
		}
		total++
	}
	w := c.account.wallet
	return c.ok(object{
		"items": items, "count": len(items), "total": total,
		"wallet": object{
			"balance": s.dollars(w.balance), "currency": "USD",
			"total_credited": s.dollars(w.credited), "amount_used": s.dollars(w.used),
		},
	})
}

func (s *Server) transactionJSON(t transaction) object {
	return object{
		"id": t.number, "source": t.source, "transaction_id": t.id, "type": t.kind,
		"amount": s.dollars(t.cents), "status": "success", "usecase": t.usecase,
		"description": t.description, "created_at": timestamp(t.created),
	}
}

// queryNumber reads a number from the query within bounds, or says what is wrong.
func (c *call) queryNumber(name string, usual, least, most int, problems bag) int {
	text := c.log.Query.Get(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		problems.add(name, "The %s field must be an integer.", name)
	case n < least:
		problems.add(name, "The %s field must be at least %d.", name, least)
	case n > most:
		problems.add(name, "The %s field must not be greater than %d.", name, most)
	}
	return n
}

// fund charges a card, or opens a checkout when there is none.
func (s *Server) fund(c *call) answer {
	problems := bag{}
	cents := c.amount("amount", s.minimumTopUp, problems)
	method := c.card(problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	if method == nil {
		k := s.openCheckout(c, purposeFund, cents, nil)
		return c.ok(object{
			"checkout_url": k.url(s), "session_id": k.id, "amount": s.dollars(cents),
			"expires_at": timestamp(k.expires),
			"message":    "Open checkout_url to pay.",
		})
	}
	in := s.pay(c, method, cents, walletFunding, s.creditFunding)
	return s.outcome(c, in, func() object { return s.funded(in, "Wallet funded.") })
}

func (s *Server) funded(in *intent, message string) object {
	return object{
		"payment": s.paymentJSON(in),
		"balance": s.dollars(in.account.wallet.balance),
		"message": message,
	}
}

// MakeReseller lets the account of an address withdraw money from its wallet.
func (s *Server) MakeReseller(email string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byEmail[normalEmail(email)]
	if a == nil {
		return fmt.Errorf("sandbox: no account %q", email)
	}
	a.billing.reseller = true
	return nil
}

// withdraw pays money out of a reseller's wallet.
func (s *Server) withdraw(c *call) answer {
	if !c.account.billing.reseller {
		return c.accessDenied("Only resellers can withdraw.")
	}
	in := c.paidBefore()
	if in == nil {
		problems := bag{}
		cents := c.amount("amount", 1, problems)
		if cents > c.account.wallet.balance {
			problems.add("amount", "The amount field must not be greater than the balance of %s.", decimal(c.account.wallet.balance))
		}
		if len(problems) > 0 {
			return c.invalid(problems)
		}
		// No payment by card, so no payment status either; but the key remembers it as one.
		in = &intent{
			id: "po_1" + s.randomText(23), status: intentSucceeded,
			account: c.account, cents: cents, endpoint: c.route.name,
		}
		c.remember(in)
		s.debit(c.account, cents, movement{source: "stripe", id: in.id, usecase: "withdrawal", description: "Withdrawal"})
	}
	return s.outcome(c, in, func() object {
		return object{
			"status": in.status, "withdrawal_id": in.id, "amount": s.dollars(in.cents), "currency": "USD",
			"balance": s.dollars(c.account.wallet.balance), "message": "Withdrawn.",
		}
	})
}

func (s *Server) stripeConfig(c *call) answer {
	return c.plain(object{
		"publishable_key": s.publishableKey,
		"instructions":    "Create a payment method at Stripe with this key, then send its id here.",
	})
}

// plain is for the two endpoints whose documentation shows no envelope.
func (c *call) plain(data object) answer {
	if c.s.envelopeEverywhere {
		return c.ok(data)
	}
	return bare(http.StatusOK, data)
}
