package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// report holds what the agent has written down against what was charged.
func (s *supervisor) report(ctx context.Context) error {
	client, closed, err := s.open() //nolint:contextcheck // a file is opened without one
	if err != nil {
		return err
	}
	defer closed()
	pending, err := client.Pending(ctx)
	if err != nil {
		return err
	}
	rec, err := client.Reconcile(ctx, time.Time{})
	if err != nil {
		return err
	}
	ledger := map[string]*modelslab.LedgerEntry{}
	rows := 0
	var spent modelslab.Amount
	for entry, err := range client.Ledger(ctx) {
		if err != nil {
			return err
		}
		ledger[entry.Operation] = entry
		rows++
		if spent, err = spent.Add(entry.Amount); err != nil {
			return err
		}
	}

	jobs, err := debits(ctx, client)
	if err != nil {
		return err
	}
	made := map[string]int{} // how often a key was charged, or a job paid for
	charges := 0
	if !s.live {
		for _, charge := range s.srv.Charges() {
			made[charge.IdempotencyKey]++
			charges++
		}
		for id, times := range jobs {
			made[id] = times
			charges += times
		}
	}

	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\noperation\ttry\tkey\tamount\tcharged")
	var wrong error
	for _, j := range list() {
		entry := ledger[j.name]
		if entry == nil {
			fmt.Fprintf(w, "%s\t\t\t$%s\t%s\n", j.name, j.amount, s.says[j.name])
			continue
		}
		key, charged := entry.IdempotencyKey, "see the card's statement"
		if entry.GenerationID != "" {
			key, charged = entry.GenerationID, "see the wallet"
		}
		if !s.live {
			charged = fmt.Sprint(made[key], "×")
			if made[key] != 1 {
				wrong = errors.Join(wrong, fmt.Errorf("%s was charged %d times", j.name, made[key]))
			}
		}
		amount := "$" + entry.Amount.String()
		if entry.GenerationID != "" {
			key, amount = "job "+key, amount+" at most"
		} else {
			key = key[:min(len(key), 15)] + "…"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", j.name, entry.Try, key, amount, charged)
	}
	if err := w.Flush(); err != nil {
		return err
	}

	switch {
	case total.Less(spent):
		wrong = errors.Join(wrong, errors.New("the budget is exceeded"))
	case len(pending) > 0:
		wrong = errors.Join(wrong, fmt.Errorf("%d operations are pending", len(pending)))
	case len(rec.Unclaimed)+len(rec.Missing) > 0:
		wrong = errors.Join(wrong, fmt.Errorf("of the wallet's credits %d are in no ledger, and %d of the ledger are no credits", len(rec.Unclaimed), len(rec.Missing)))
	case rows != len(ledger), !s.live && charges != rows:
		wrong = errors.Join(wrong, fmt.Errorf("the ledger has %d rows of %d operations, and %d charges were made", rows, len(ledger), charges))
	}
	if wrong != nil {
		return wrong
	}
	fmt.Fprintf(s.out, "\nbudget     $%s of $%s\npending    nothing\nreconcile  %d payments in the ledger, %d credits in the wallet\n", spent, total, len(rec.Matched), len(rec.Matched))
	if s.live {
		fmt.Fprintf(s.out, "killed %d times: %d payments\n", s.killed, rows)
		return nil
	}
	fmt.Fprintf(s.out, "killed %d times: %d payments, each charged once\n", s.killed, rows)
	return nil
}
