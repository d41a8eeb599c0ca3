// Package sandbox is a ModelsLab and a Stripe that live inside the process: a
// stateful server with accounts, mail codes, a wallet, plans, card payments and the
// generation APIs, for tests, examples and trying things out. No money exists in it,
// and no request leaves it but the calls of webhooks that were asked for.
//
//	srv := sandbox.New()             // listens on a free loopback port
//	defer srv.Close()
//	client, err := modelslab.New(srv.ClientOptions()...)
//
// With [InMemory] there is no socket at all: [Server.Transport] carries requests
// straight to the handler, so the sandbox works inside a testing/synctest bubble.
//
// What the real service does where nobody wrote it down is a choice here, and an
// option: where the replay flag of an idempotent answer stands, which outcomes
// are kept under a key, whether rate-limit headers are absolute, and more. [Modes]
// lists server modes in which a repeat under one key never charges twice, [Shapes]
// lists the other shapes that answers may have.
//
// Things go wrong on request: [WithFault] and [Server.Inject] drop connections
// before or after the work, cut bodies, answer with the pages of a proxy, or let
// the work take long. [Server.Charges] and [Server.Requests] tell afterwards what
// was charged and what was asked. People are played by calls: [Server.VerificationCode]
// reads the mail, as [Server.ResetToken] and [Server.InviteID] do,
// [Server.CompleteCheckout] pays on the checkout page, and [Server.CompleteAction]
// passes 3-D Secure. [Server.AddUsage], [Server.MakeReseller] and [Server.MarkPastDue]
// make what would otherwise take months.
//
// # Media
//
// Jobs follow the documented parameters, and refuse what is out of range; media that they
// are given are never fetched. What they make is small and real: a picture drawn from the
// prompt, a wave file with one note, a 3D model of one triangle, a text. A video is a file
// of the right kind without a film in it. Uploads are served as they came.
//
// A job that names a webhook has it called once when it is ready, by [WithWebhookTransport]'s
// transport or the network; [Server.Webhooks] lists the calls.
//
// # Cards
//
// POST /v1/payment_methods takes Stripe's published test numbers: 4242 4242 4242 4242
// and the other success numbers, 4000 0000 0000 0002 (declined), 4000 0000 0000 9995
// (insufficient funds), 4000 0000 0000 0069 (expired), 4000 0000 0000 0127 (wrong CVC),
// 4000 0027 6000 3184 and 4000 0025 0000 3155 (3-D Secure). As with Stripe, they
// tokenize and show what they are when charged or saved; 4000 0000 0000 0341 can be
// saved and is declined when charged. Any other number that passes the Luhn
// check succeeds. The published ids, such as pm_card_visa, pay without being made first.
//
// The sandbox takes nothing from package modelslab but its client options: it has its
// own routes and writes its own JSON.
package sandbox
