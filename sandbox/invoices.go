package sandbox

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"
)

// invoice is the paper that every charge leaves.
type invoice struct {
	id, number, what, intent string
	cents                    int64
	created                  time.Time
}

// invoice files a charge that was made.
func (s *Server) invoice(in *intent) {
	b := &in.account.billing
	b.invoices = append(b.invoices, &invoice{
		id: "in_1" + s.randomText(23), number: fmt.Sprintf("SANDBOX-%06d", s.nextID("invoice", 1)),
		what: in.what, intent: in.id, cents: in.cents, created: s.clock(),
	})
}

func (s *Server) invoiceJSON(v *invoice) object {
	return object{
		"id": v.id, "number": v.number, "amount": s.dollars(v.cents), "currency": "usd", "status": "paid",
		"description": v.what, "payment_intent_id": v.intent, "created_at": timestamp(v.created),
	}
}

func (s *Server) listInvoices(c *call) answer {
	list, all := []any{}, c.account.billing.invoices
	for i := len(all) - 1; i >= 0; i-- { // newest first
		list = append(list, s.invoiceJSON(all[i]))
	}
	return c.ok(list)
}

// ownInvoice is the one in the path, or nil.
func (c *call) ownInvoice() *invoice {
	for _, v := range c.account.billing.invoices {
		if v.id == c.params["id"] {
			return v
		}
	}
	return nil
}

func (s *Server) getInvoice(c *call) answer {
	v := c.ownInvoice()
	if v == nil {
		return missing("Invoice", c.params["id"])
	}
	return c.ok(s.invoiceJSON(v))
}

func (s *Server) invoiceLinks(c *call) answer {
	v := c.ownInvoice()
	if v == nil {
		return missing("Invoice", c.params["id"])
	}
	link := s.url + "/invoices/" + v.id
	return c.ok(object{"pdf_url": link + ".pdf", "receipt_url": link})
}

// invoicePage is where those links lead. As with Stripe's, who has the link may see it.
func (s *Server) invoicePage(c *call) answer {
	id, isPDF := strings.CutSuffix(c.params["file"], ".pdf")
	for _, a := range s.accounts {
		for _, v := range a.billing.invoices {
			switch {
			case v.id != id:
			case isPDF:
				return answer{status: http.StatusOK, raw: v.pdf}.with("Content-Type", "application/pdf")
			default:
				return page(http.StatusOK, "<!DOCTYPE html><meta charset=\"utf-8\"><title>Receipt</title>\n<p>"+
					strings.Join(v.lines(html.EscapeString), "\n<p>")+"\n")
			}
		}
	}
	return page(http.StatusNotFound, "<!DOCTYPE html><title>404 Not Found</title>")
}

// lines are what an invoice says.
func (v *invoice) lines(escape func(string) string) []string {
	return []string{
		"Invoice " + v.number, escape(v.what), "$" + decimal(v.cents) + ", paid on " + v.created.UTC().Format(time.DateOnly),
		"No money moved: this is a sandbox.",
	}
}

// pdf is a page of plain lines.
func (v *invoice) pdf() []byte {
	text := "BT /F1 14 Tf 18 TL 72 720 Td"
	escape := strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace
	for _, line := range v.lines(escape) {
		text += " (" + line + ") Tj T*"
	}
	text += " ET"
	file, offsets := "%PDF-1.4\n", ""
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	for i, o := range objects {
		offsets += fmt.Sprintf("%010d 00000 n \n", len(file))
		file += fmt.Sprintf("%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	n := len(objects) + 1
	return fmt.Appendf(nil, "%sxref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n",
		file, n, offsets, n, len(file))
}
