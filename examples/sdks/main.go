// Command sdks points the Go SDKs of OpenAI and Anthropic at ModelsLab's language models. They
// bring their types and tools; package modelslab brings the account's key, the limiter and the
// care for money.
//
//	go -C examples/sdks run .    # in the sandbox: no account, no network, no money
//
// It is a module of its own, so that the two SDKs are no dependencies of package modelslab.
// Three options are all that it takes, for either SDK:
//
//   - the base URL is [modelslab.ChatService.BaseURL]
//   - the HTTP client is [modelslab.ChatService.HTTPClient]: it puts the account's API key in
//     the place of whatever key the SDK has, sends nothing anywhere else, and asks the limiter
//   - the most retries are 0: an answer costs money and carries no idempotency key, so that the
//     SDK's own repeating could pay for it three times
//
// With -live the answers are real, for the account of MODELSLAB_API_KEY, and each of the four
// costs money.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, modelslab.FromEnv())
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sdks:", err)
		if next := advice(err); next != "" {
			fmt.Fprintln(os.Stderr, "what next:", next)
		}
		os.Exit(1)
	}
}

var errNoKey = errors.New("-live needs an API key in MODELSLAB_API_KEY. Nothing was sent")

func run(ctx context.Context, args []string, out io.Writer, opts ...modelslab.Option) error {
	flags := flag.NewFlagSet("sdks", flag.ContinueOnError)
	live := flags.Bool("live", false, "ask a real model, for real money")
	model := flags.String("model", "Qwen/Qwen2.5-VL-72B-Instruct-together", "the `id` of the model")
	if err := flags.Parse(args); err != nil {
		return err
	}
	question := cmp.Or(strings.Join(flags.Args(), " "), "Why is the sky blue?")
	if *live {
		if os.Getenv("MODELSLAB_API_KEY") == "" {
			return errNoKey
		}
	} else {
		srv := sandbox.New(sandbox.InMemory())
		defer srv.Close()
		opts = srv.Account(sandbox.AccountParams{BalanceCents: 1_00}).ClientOptions()
	}
	client, err := modelslab.New(opts...)
	if err != nil {
		return err
	}
	before, _ := client.Generation.WalletBalance(ctx) // only to show it

	base := client.Generation.Chat.BaseURL()
	if err := askOpenAI(ctx, client, base, *model, question, out); err != nil {
		return &askedError{"openai-go", err}
	}
	if err := askAnthropic(ctx, client, base, *model, question, out); err != nil {
		return &askedError{"anthropic-sdk-go", err}
	}
	if after, err := client.Generation.WalletBalance(ctx); err == nil && before != nil {
		if paid, err := before.Balance.Sub(after.Balance); err == nil {
			fmt.Fprintf(out, "paid $%s; the wallet holds $%s\n", paid, after.Balance)
		}
	}
	return nil
}

// unused stands for the key that the SDKs insist on. It is never sent.
const unused = "unused"

func askOpenAI(ctx context.Context, c *modelslab.Client, base, model, question string, out io.Writer) error {
	client := openai.NewClient(
		openaioption.WithAPIKey(unused),
		openaioption.WithBaseURL(base),
		openaioption.WithHTTPClient(c.Generation.Chat.HTTPClient()),
		openaioption.WithMaxRetries(0),
	)
	params := openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(question)},
	}
	answer, err := client.Chat.Completions.New(ctx, params)
	if err != nil {
		return err
	}
	for _, choice := range answer.Choices {
		fmt.Fprintln(out, "openai-go, at once:              ", choice.Message.Content)
	}

	stream := client.Chat.Completions.NewStreaming(ctx, params)
	defer func() { _ = stream.Close() }() // it was only read
	fmt.Fprint(out, "openai-go, as it is made:         ")
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			fmt.Fprint(out, choice.Delta.Content)
		}
	}
	fmt.Fprintln(out)
	return stream.Err()
}

func askAnthropic(ctx context.Context, c *modelslab.Client, base, model, question string, out io.Writer) error {
	client := anthropic.NewClient(
		anthropicoption.WithoutEnvironmentDefaults(), anthropicoption.WithAPIKey(unused),
		anthropicoption.WithBaseURL(base),
		anthropicoption.WithHTTPClient(c.Generation.Chat.HTTPClient()),
		anthropicoption.WithMaxRetries(0),
	)
	params := anthropic.MessageNewParams{
		Model:     model,
		MaxTokens: 1000,
		Messages:  []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(question))},
	}
	answer, err := client.Messages.New(ctx, params)
	if err != nil {
		return err
	}
	for _, block := range answer.Content {
		fmt.Fprintln(out, "anthropic-sdk-go, at once:       ", block.Text)
	}

	stream := client.Messages.NewStreaming(ctx, params)
	defer func() { _ = stream.Close() }() // it was only read
	fmt.Fprint(out, "anthropic-sdk-go, as it is made:  ")
	for stream.Next() {
		fmt.Fprint(out, stream.Current().Delta.Text)
	}
	fmt.Fprintln(out)
	return stream.Err()
}

// askedError is what went wrong when an SDK was asked.
type askedError struct {
	sdk string
	err error
}

func (e *askedError) Error() string { return e.sdk + ": " + e.err.Error() }

func (e *askedError) Unwrap() error { return e.err }

// advice says what to do about an error. Those of the SDKs have the status that the server
// answered; those of package modelslab are inside them where nothing was sent.
func advice(err error) string {
	var (
		asked       *askedError
		ofOpenAI    *openai.Error
		ofAnthropic *anthropic.Error
		status      int
	)
	switch {
	case !errors.As(err, &asked):
		return ""
	case errors.Is(err, modelslab.ErrRateLimited):
		return "nothing was sent: the limiter is used up. Wait a little."
	case errors.Is(err, modelslab.ErrUnauthenticated), errors.Is(err, modelslab.ErrValidation):
		return "nothing was sent."
	case errors.As(err, &ofOpenAI):
		status = ofOpenAI.StatusCode
	case errors.As(err, &ofAnthropic):
		status = ofAnthropic.StatusCode
	}
	switch {
	case status == http.StatusUnauthorized:
		return "nothing was paid: the key in MODELSLAB_API_KEY is not taken. Make another in the dashboard."
	case status == http.StatusPaymentRequired:
		return "nothing was paid: the wallet holds too little. Fund it, as examples/headless does."
	case status == http.StatusTooManyRequests:
		return "nothing was paid. Wait a little, and ask again."
	case status >= 400 && status < 500:
		return "nothing was paid: the question or the -model cannot be right."
	}
	return "an answer may have been paid. To ask again is another one, at another price."
}
