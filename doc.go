// Package modelslab is a client for the Agents API of ModelsLab: an agent signs up, verifies
// its e-mail, pays and generates, and no browser is needed.
//
// It is written independently of ModelsLab and of Stripe, and neither of them stands behind
// it.
//
// # From nothing to an image
//
//	client, err := modelslab.New()
//	_, err = client.Auth.Signup(ctx, modelslab.AuthSignupParams{Email: email, Password: password})
//	session, err := client.Auth.VerifyEmail(ctx, codeFromTheMail)
//	client = client.WithSession(session)
//
//	method, err := client.Billing.TokenizeCard(ctx, card) // to Stripe, and nowhere else
//	_, err = client.Wallet.Fund(ctx, modelslab.WalletFundParams{
//		Amount: modelslab.Dollars(25), PaymentMethodID: method.ID,
//	}, modelslab.WithOperation("order-1041"))
//
//	job, err := client.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{
//		ModelID: "flux", Prompt: "a cabin by a mountain lake",
//	})
//	job, err = client.Generation.Wait(ctx, job, modelslab.WaitParams{})
//	_, err = client.Generation.Download(ctx, job.Output[0], file)
//
// examples/headless is this program with its errors looked at. It runs in package sandbox,
// which is a ModelsLab and a Stripe inside the process.
//
// # The services
//
//   - [AuthService]: accounts, sessions, verification, tokens
//   - [ProfileService], [APIKeysService], [UsageService]: the account
//   - [ModelsService]: what to generate with
//   - [BillingService]: cards, payment links, billing details, invoices
//   - [WalletService]: balance, payments into it, transactions, auto-funding, coupons
//   - [SubscriptionsService]: plans, buying and changing them
//   - [TeamsService]: who else may act for the account
//   - [GenerationService]: jobs, and under it [ImagesService], [VideoService], [AudioService],
//     [ThreeDService], [EditingService], [InteriorService] and [FaceSwapService] that submit
//     them, [ChatService], [UploadsService], [TrainingService], [WorkflowsService],
//     [ServersService] and [KeyModelsService]
//   - [Client.Call] and [GenerationService.Call]: every other endpoint
//
// docs/reference.md lists every endpoint with its method, and [Endpoints] returns the
// table behind it. Lists come a page at a time; AllTransactions, SearchAll and AllHistory
// walk over all of them. A session that is about to end refreshes itself under
// [WithAutoRefresh].
//
// # Money
//
// An [Amount] is an exact number of US dollars: Cents(7550) is $75.50. Durations are
// [time.Duration], sizes of images pixels.
//
// A call that pays through a billing endpoint carries an idempotency key, which stays the
// same however often the call is repeated; [WithOperation] keeps it the same after a crash
// too. A nil error means paid. An error means that no money has moved, with one exception:
// [ErrOutcomeUnknown] means that it may have. Then ask again under the same name, which looks
// first, and never under another one; see [OutcomeUnknownError].
//
// Submitting a generation costs money as well, and has no key. It is sent once.
//
// [WithSpendPolicy] is what the owner of the account allows, and [WithStore] keeps the journal
// of payments, the budgets and the freeze where they survive the program: with store/bolt on one
// machine, with store/redis for a fleet. A name that was paid is never paid again then, and
// what was spent and what may have been spent stays within the limits, however often a process
// is killed and however many there are. [Client.Pending] and [Client.Settle] find out what became
// of a payment whose answer was lost, [Client.Resolve] takes the owner's word, [Client.Ledger] and
// [Client.Reconcile] show what was paid, and [Client.Freeze] stops everything.
// [WalletService.FundOrLink] lets a human pay where the card does not do. docs/money.md tells what
// all that rests on and where it ends.
//
// # Generations
//
// A job is a [Generation], which can be kept as JSON: [GenerationService.Wait] picks it up in
// another process. [Batch] runs many side by side, [WithQueueLimit] keeps them within what the
// account's plan lets wait, and [WebhookHandler] is told of their ends. A file that a job starts
// from is an [Input]; it is encoded while it is sent.
//
// # Errors
//
// [errors.Is] with the Err… values tells what to do next, [errors.As] with the types tells
// the details. An [APIError] is in every error that came from an answer, and holds its
// request id.
//
// Secrets, cards, tokens and bodies are not printed by anything in this package, whatever
// the verb. [Secret.Reveal], [Session.Save], [Response].Raw and [APIError].Details hold what
// they hold.
package modelslab
