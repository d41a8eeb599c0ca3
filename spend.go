package modelslab

// SpendIntent is a payment that is about to be made: what is known of it before
// anything is sent.
type SpendIntent struct {
	Operation       string `json:"operation,omitzero"` // the name given with WithOperation
	Endpoint        string `json:"endpoint"`           // "wallet.fund"
	Account         string `json:"account,omitzero"`   // the acting account's id
	PaymentMethodID string `json:"payment_method_id,omitzero"`
	IdempotencyKey  string `json:"idempotency_key,omitzero"`
	Amount          Amount `json:"amount"` // US dollars, as far as AmountKnown
	AmountKnown     bool   `json:"amount_known"`
	PlanID          ID     `json:"plan_id,omitzero"`
}
