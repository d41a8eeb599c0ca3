package sandbox

import (
	"net/http"
	"time"
)

// Coupon is a code that credits a wallet. No account can redeem one twice.
type Coupon struct {
	Code  string
	Cents int64 // what it credits
	// Bonus credits Cents on top of a purchase of at least MinimumPurchaseCents, which is
	// charged to a card and credited too.
	Bonus                bool
	MinimumPurchaseCents int64
	// Uses is how many accounts can redeem it; 0 is all of them.
	Uses    int
	Expires time.Time // zero: never
}

// defaultCoupons are the ones that every server has; [WithCoupon] lists them.
func defaultCoupons() map[string]Coupon {
	return map[string]Coupon{
		"WELCOME5": {Code: "WELCOME5", Cents: 5_00},
		"BONUS10":  {Code: "BONUS10", Cents: 10_00, Bonus: true, MinimumPurchaseCents: 25_00},
		"EXPIRED":  {Code: "EXPIRED", Cents: 5_00, Expires: time.Unix(0, 0)},
	}
}

// coupon reads coupon_code, or says why it cannot be redeemed.
func (c *call) coupon(problems bag) *Coupon {
	code := c.text("coupon_code")
	k, known := c.s.coupons[code]
	problem := ""
	switch {
	case code == "":
		problem = "The coupon code field is required."
	case !known:
		problem = "The selected coupon code is invalid."
	case k.expired(c.now):
		problem = "The coupon has expired."
	case c.account.billing.redeemed[code]:
		problem = "The coupon has been redeemed already."
	case c.s.usedUp(k):
		problem = "The coupon has been used up."
	default:
		return &k
	}
	problems.add("coupon_code", "%s", problem)
	return nil
}

func (k Coupon) expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

func (s *Server) usedUp(k Coupon) bool { return k.Uses > 0 && s.couponUses[k.Code] >= k.Uses }

func (k Coupon) kind() string {
	if k.Bonus {
		return "bonus"
	}
	return "credit"
}

// leastPurchase is what has to be bought for a bonus.
func (k Coupon) leastPurchase() int64 { return max(k.MinimumPurchaseCents, 1) }

// validateCoupon reads the query of a GET and the body of a POST. The synonym "code", which
// an old client sends, is ignored on purpose.
func (s *Server) validateCoupon(c *call) answer {
	if c.http.Method == http.MethodGet {
		c.fields = map[string]any{}
		for _, field := range []string{"coupon_code", "purchase_amount"} {
			if value := c.log.Query.Get(field); value != "" {
				c.fields[field] = value
			}
		}
	}
	problems := bag{}
	k := c.coupon(problems)
	if k != nil && k.Bonus && c.has("purchase_amount") {
		c.amount("purchase_amount", k.leastPurchase(), problems)
	}
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	data := object{
		"valid": true, "coupon_code": k.Code, "type": k.kind(), "amount": s.dollars(k.Cents),
		"message": "The coupon credits $" + decimal(k.Cents) + ".",
	}
	if k.Bonus {
		data["minimum_purchase_amount"] = s.dollars(k.leastPurchase())
		data["message"] = "The coupon credits $" + decimal(k.Cents) + " on top of a purchase of $" + decimal(k.leastPurchase()) + " or more."
	}
	return c.ok(data)
}

// redeemCoupon credits the wallet; a bonus is credited when its purchase is paid.
func (s *Server) redeemCoupon(c *call) answer {
	in := c.paidBefore()
	if in == nil {
		problems := bag{}
		k := c.coupon(problems)
		var method *card
		var cents int64
		if k != nil && k.Bonus {
			c.require(problems, "payment_method_id")
			method = c.card(problems)
			cents = c.amount("purchase_amount", k.leastPurchase(), problems)
		}
		if len(problems) > 0 {
			return c.invalid(problems)
		}
		in = s.redeem(c, k, method, cents)
	}
	return s.outcome(c, in, func() object {
		data := object{
			"status": in.status, "coupon_code": in.coupon.Code, "type": in.coupon.kind(),
			"amount": s.dollars(in.bonus), "balance": s.dollars(c.account.wallet.balance),
			"message": "Coupon redeemed.",
		}
		if in.coupon.Bonus {
			data["payment"] = s.paymentJSON(in)
		}
		return data
	})
}

func (s *Server) redeem(c *call, k *Coupon, method *card, cents int64) *intent {
	if k.Bonus {
		return s.pay(c, method, cents, "Wallet funding with coupon "+k.Code, func(in *intent) {
			s.creditFunding(in)
			s.creditCoupon(in, k, "coupon_"+s.randomText(23))
		})
	}
	// No payment by card, so no payment status either; but the key remembers it as one.
	in := &intent{id: "coupon_" + s.randomText(23), status: intentSucceeded, account: c.account, cents: k.Cents, endpoint: c.route.name}
	s.creditCoupon(in, k, in.id)
	c.remember(in)
	return in
}

// creditCoupon credits what a coupon gives. Somebody who passes 3-D Secure late may have
// redeemed it in the meantime, and gets nothing on top.
func (s *Server) creditCoupon(in *intent, k *Coupon, id string) {
	in.coupon = k
	b := &in.account.billing
	if b.redeemed[k.Code] || s.usedUp(*k) {
		return
	}
	if b.redeemed == nil {
		b.redeemed = map[string]bool{}
	}
	b.redeemed[k.Code] = true
	s.couponUses[k.Code]++
	in.bonus = k.Cents
	s.credit(in.account, k.Cents, movement{source: "coupon", id: id, usecase: "coupon", description: "Coupon " + k.Code})
}
