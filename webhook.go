package modelslab

import (
	"bytes"
	linked "container/list"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxWebhookBytes = 1 << 20
	// maxWebhookText bounds each text of a webhook that something is looked up by.
	maxWebhookText = 256
	// webhookMemory is how many jobs a handler expects at once, and how many ends
	// it remembers.
	webhookMemory = 10_000
	// webhookFetches is how often a job is asked for before its end is seen:
	// whoever knows its track id, or guesses its id, causes no more.
	webhookFetches = 16

	defaultWebhookWorkers = 4
	defaultWebhookBacklog = 256
	maxWebhookWorkers     = 1000
	maxWebhookBacklog     = 100_000

	confirmTimeout = 2 * time.Minute
	webhookPause   = 2 * time.Second // then twice as long, and so on
	webhookRepeats = 5
	// maxWebhookRaw is how much of a body is kept until its job has been asked for.
	maxWebhookRaw     = 16 << 10
	webhookRetryAfter = "30" // seconds
)

// TrackID is an id that a submission carries as its track_id, and its webhook
// repeats. It has at most 53 bits, so that it comes back unharmed from a server
// that counts in floating point.
type TrackID int64

// NewTrackID makes an id, from 1 to 2^53-1, that nobody can guess.
func NewTrackID() TrackID {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // it never fails
		if id := TrackID(binary.BigEndian.Uint64(b[:]) >> 11); id > 0 {
			return id
		}
	}
}

// String writes the id as the families want it that document a text.
func (id TrackID) String() string { return itoa(int64(id)) }

// Webhook is what somebody claims who called the handler. The vendor signs
// nothing, so none of it is known to be true.
type Webhook struct {
	ID         string // of the job, or of a workflow's run; empty if not said
	Status     string
	TrackID    string
	Event      string // of workflows: "workflow.completed"
	WorkflowID string
	ModelID    string // of trainings

	run bool // of a workflow
	raw json.RawMessage
}

// Raw is the body, or the first 16 KiB of a longer one.
func (w Webhook) Raw() json.RawMessage { return w.raw }

func (w Webhook) line() string {
	return "webhook for " + clean(w.ID, maxCodeText) + ": " + clean(w.Status, maxCodeText)
}

// Format writes one line under every verb.
func (w Webhook) Format(f fmt.State, verb rune) { formatText(f, verb, w.line()) }

// LogValue implements slog.LogValuer.
func (w Webhook) LogValue() slog.Value { return slog.StringValue(w.line()) }

// running reports whether the webhook itself speaks of no end.
func (w *Webhook) running() bool {
	return strings.EqualFold(w.Status, string(StatusProcessing)) || strings.EqualFold(w.Status, "pending") || strings.EqualFold(w.Status, "running")
}

// print tells a repetition from another webhook.
func (w *Webhook) print() string { return w.ID + "\n" + w.TrackID + "\n" + w.WorkflowID }

// readWebhook reads the documented forms: a generation's, and a workflow's in
// both of its variants.
func readWebhook(body []byte) (Webhook, bool) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 || body[0] != '{' || !json.Valid(body) {
		return Webhook{}, false
	}
	at := func(v []byte, name string) string { return jsonText(member(v, name)) }
	run, workflow := member(body, "execution"), member(body, "workflow")
	w := Webhook{
		ID:         firstOf(at(body, "execution_id"), at(run, "id"), at(body, "id")),
		Status:     firstOf(at(body, "status"), at(run, "status")),
		TrackID:    at(body, "track_id"),
		Event:      at(body, "event"),
		WorkflowID: firstOf(at(body, "workflow_id"), at(workflow, "id")),
		ModelID:    at(body, "model_id"),
		raw:        bytes.Clone(body[:min(len(body), maxWebhookRaw)]),
	}
	w.run = run != nil || w.Event != "" || w.WorkflowID != "" || hasMember(body, "execution_id")
	for _, s := range []string{w.ID, w.Status, w.TrackID, w.Event, w.WorkflowID, w.ModelID} {
		if len(s) > maxWebhookText || hasControl(s) {
			return Webhook{}, false
		}
	}
	return w, true
}

// WebhookEvent is the end of a job, as the API told it when it was asked.
type WebhookEvent struct {
	Generation *Generation // never nil
	Err        error       // nil: success; else the job's [GenerationError]
	Webhook    Webhook     // what was claimed
}

func (e WebhookEvent) line() string { return resultLine(e.Generation, e.Err) }

// Format writes one line under every verb.
func (e WebhookEvent) Format(f fmt.State, verb rune) { formatText(f, verb, e.line()) }

// LogValue implements slog.LogValuer.
func (e WebhookEvent) LogValue() slog.Value { return slog.StringValue(e.line()) }

// MarshalJSON writes the job without the body of the answer.
func (e WebhookEvent) MarshalJSON() ([]byte, error) { return marshalResult(e.Generation, e.Err) }

// WebhookParams is how webhooks are taken.
type WebhookParams struct {
	// Handle gets the end of each job, once; several at a time, unless Workers is
	// 1. Required. ctx ends when [WebhookHandler.Close] runs out of time. What it
	// panics with goes to Error, and the job still counts as handed over.
	Handle func(ctx context.Context, e WebhookEvent)
	// Find says which of the owner's jobs a webhook speaks of that neither Track nor
	// Expect knows, as after a restart: its ID and Path from the owner's records,
	// or nil for none. It runs before the webhook is answered, so it should be
	// quick; an error answers 503. Never make the path of what is claimed. May be
	// nil.
	Find func(ctx context.Context, w Webhook) (*Generation, error)
	// Error gets what went wrong on the way; several at a time. nil: it goes to the
	// client's logger ([WithLogger]), if there is one.
	Error func(error)

	Workers int // confirmations at a time, 1 to 1000; default 4
	Backlog int // webhooks that wait for one, 1 to 100000; default 256
}

// WebhookHandler takes the webhooks of generations and of workflows.
//
// A webhook is not signed: anybody can send one, and say anything. So it is a
// hint and no more. The handler looks whether it speaks of a job that it expects,
// answers, asks the API how that job is, and hands over what the API said. It
// asks at most 16 times for a job that does not end.
//
//	hooks, err := c.Generation.WebhookHandler(modelslab.WebhookParams{Handle: done})
//	http.Handle("/modelslab", hooks)
//	…
//	track := hooks.Track("/api/v6/video/text2video")
//	g, err := c.Generation.Video.TextToVideo(ctx, modelslab.TextToVideoParams{
//		…, Webhook: "https://example.com/modelslab", TrackID: track.String(),
//	})
//	if err == nil {
//		g.TrackID = track.String()
//		err = hooks.Expect(g) // from now on no other id will do
//	}
//
// It answers 202 to what it will look into, 200 to what it has handed over
// before, 404 to what is not about a job that it expects, 405 to anything but
// POST, 413 beyond 1 MiB, 415 and 400 to what is no JSON object, 429 where the 16
// questions are used up, and 503 with Retry-After while the backlog is full and
// after Close.
//
// The vendor calls each webhook of a generation as best it can, so keep asking
// for a job too that was not heard of for long; a job may then be seen to end
// twice. Documentation: docs.modelslab.com/webhooks.
type WebhookHandler struct {
	s *GenerationService
	p WebhookParams

	ctx  context.Context // of the workers
	stop context.CancelFunc

	mu      sync.Mutex
	tracks  map[string]*expected
	ids     map[string][]*expected // whose id is known
	order   linked.List            // of *expected, the oldest first
	found   *recent[jobKey, *expected]
	ended   *recent[jobKey, struct{}]
	prints  *recent[string, struct{}] // of webhooks whose job was handed over
	active  map[confirmKey]*confirmation
	queue   []*confirmation
	working int
	closed  bool
	idle    chan struct{} // closed: closed, and no worker left
}

// jobKey is a job: ids belong to a family.
type jobKey struct{ path, id string }

// expected is a job whose webhook may come.
type expected struct {
	path, track string
	id          string // "": not known yet
	workflow    string // "": no run of one
	left        int    // questions
	at          *linked.Element
}

// confirmation is a webhook that is looked into.
type confirmation struct {
	e       *expected
	id      string
	webhook Webhook
	running bool
	again   bool // another one came while the job was being asked for
	tries   int  // how often it was put off
}

type confirmKey struct {
	e  *expected
	id string
}

// WebhookHandler makes a handler of webhooks. Goroutines run while there are
// webhooks to look into; [WebhookHandler.Close] waits for them.
func (s *GenerationService) WebhookHandler(p WebhookParams) (*WebhookHandler, error) {
	if p.Handle == nil {
		return nil, &ParamError{Param: "WebhookParams.Handle", Reason: "nil"}
	}
	for _, n := range [...]struct {
		name            string
		value           *int
		usual, greatest int
	}{
		{"WebhookParams.Workers", &p.Workers, defaultWebhookWorkers, maxWebhookWorkers},
		{"WebhookParams.Backlog", &p.Backlog, defaultWebhookBacklog, maxWebhookBacklog},
	} {
		switch {
		case *n.value == 0:
			*n.value = n.usual
		case *n.value < 0 || *n.value > n.greatest:
			return nil, &ParamError{Param: n.name, Value: strconv.Itoa(*n.value), Reason: "must be 1 to " + strconv.Itoa(n.greatest)}
		}
	}
	h := &WebhookHandler{
		s: s, p: p, tracks: map[string]*expected{}, ids: map[string][]*expected{}, active: map[confirmKey]*confirmation{}, idle: make(chan struct{}),
		found: newRecent[jobKey, *expected](), ended: newRecent[jobKey, struct{}](), prints: newRecent[string, struct{}](),
	}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h, nil
}

// Format writes what it is, and nothing of what it knows.
func (h *WebhookHandler) Format(f fmt.State, verb rune) {
	formatText(f, verb, "modelslab.WebhookHandler")
}

// LogValue implements slog.LogValuer.
func (h *WebhookHandler) LogValue() slog.Value {
	return slog.StringValue("modelslab.WebhookHandler")
}

// Track makes an id for a job before it is submitted to path, as in
// "/api/v6/video/text2video". The params carry it as TrackID, with String or as
// an int64. A path that no job can be fetched from is told to Error, and the id
// is then one that the handler does not know.
//
// Until Expect has told the id that the submission got, the webhook's word is
// taken for it: whoever knows the track id could name another job of the same
// account and family, though never a job as done that is not. The handler expects
// 10000 jobs, and forgets the oldest for a new one.
func (h *WebhookHandler) Track(path string) TrackID {
	id := NewTrackID()
	if _, err := asking(&Generation{ID: "1", Path: path}); err != nil {
		h.report(err)
		return id
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expect(&expected{path: path, track: id.String()})
	return id
}

// Expect makes a job known by its ID and Path, as the submission gave them: a
// workflow's run, which carries no track id, or a job that was kept from before
// a restart. One with a TrackID is known by that, and by no other ID from now on.
// One without can be guessed at, which costs at most the 16 questions.
//
// A job whose end was handed over is not expected again; for another one the 16
// questions begin anew.
func (h *WebhookHandler) Expect(g *Generation) error {
	q, err := asking(g)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended.has(jobKey{g.Path, g.ID}) {
		return nil
	}
	e := &expected{path: g.Path, track: g.TrackID, id: g.ID}
	if q.row == workflowsExecution.row() {
		e.workflow = wildcards(workflowsRun.row().full, g.Path)[0]
	}
	h.expect(e)
	return nil
}

// expect keeps e, in the place of what is known of the same job. h.mu is held.
func (h *WebhookHandler) expect(e *expected) {
	old := h.tracks[e.track]
	if e.track == "" {
		old = h.known(e.path, e.id)
	}
	if old != nil {
		h.forget(old)
	}
	e.left = webhookFetches
	e.at = h.order.PushBack(e)
	if e.track != "" {
		h.tracks[e.track] = e
	}
	if e.id != "" {
		h.ids[e.id] = append(h.ids[e.id], e)
	}
	if h.order.Len() > webhookMemory {
		h.forget(h.order.Front().Value.(*expected))
	}
}

// known is the job at a path with an id. h.mu is held.
func (h *WebhookHandler) known(path, id string) *expected {
	for _, e := range h.ids[id] {
		if e.path == path {
			return e
		}
	}
	return nil
}

// forget drops a job. h.mu is held.
func (h *WebhookHandler) forget(e *expected) {
	if e.at == nil {
		h.found.drop(jobKey{e.path, e.id})
		return
	}
	h.order.Remove(e.at)
	if h.tracks[e.track] == e {
		delete(h.tracks, e.track)
	}
	if same := slices.DeleteFunc(h.ids[e.id], func(other *expected) bool { return other == e }); len(same) > 0 {
		h.ids[e.id] = same
	} else {
		delete(h.ids, e.id)
	}
}

// ServeHTTP implements http.Handler.
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := h.receive(w, r)
	switch status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", webhookRetryAfter)
	}
	w.WriteHeader(status)
}

// receive takes a webhook in and returns the status to answer.
func (h *WebhookHandler) receive(w http.ResponseWriter, r *http.Request) int {
	switch {
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed
	case !mayBeJSON(r.Header):
		return http.StatusUnsupportedMediaType
	case r.ContentLength > maxWebhookBytes:
		return http.StatusRequestEntityTooLarge
	case r.Body == nil:
		return http.StatusBadRequest
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhookBytes))
	if err != nil {
		if _, ok := as[*http.MaxBytesError](err); ok {
			return http.StatusRequestEntityTooLarge
		}
		return http.StatusBadRequest
	}
	claim, ok := readWebhook(body)
	if !ok {
		return http.StatusBadRequest
	}
	if status := h.takeExpected(claim); status != http.StatusNotFound { //nolint:contextcheck // it is looked into after it was answered
		return status
	}
	if h.p.Find != nil {
		g, err := h.p.Find(r.Context(), claim)
		switch {
		case err != nil:
			h.report(fmt.Errorf("modelslab: %v: WebhookParams.Find: %w", claim, err))
			return http.StatusServiceUnavailable
		case g != nil:
			return h.takeFound(claim, g) //nolint:contextcheck // it is looked into after it was answered
		}
	}
	g, err := h.s.c.lostSubmission(r.Context(), claim.TrackID)
	switch {
	case err != nil:
		h.report(fmt.Errorf("modelslab: %v: %w", claim, err))
		return http.StatusServiceUnavailable
	case g != nil && claim.ID != "":
		g.ID = claim.ID
		return h.takeFound(claim, g) //nolint:contextcheck // it is looked into after it was answered
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.prints.has(claim.print()) {
		return http.StatusOK
	}
	return http.StatusNotFound
}

// mayBeJSON reports whether a body may be JSON. What the vendor says of it is not
// documented, so only a type that speaks against it counts.
func mayBeJSON(h http.Header) bool {
	value := h.Get("Content-Type")
	if value == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(value)
	return err == nil && (media == "application/json" || media == "text/json" || media == "text/plain" || strings.HasSuffix(media, "+json"))
}

// takeExpected takes a webhook of a job that Track or Expect knows.
func (h *WebhookHandler) takeExpected(w Webhook) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	status := http.StatusNotFound
	for _, e := range h.candidates(&w) {
		got := h.admit(e, firstOf(e.id, w.ID), w)
		// Two jobs of different families can have one id. All must have room.
		if status == http.StatusNotFound || got > status {
			status = got
		}
	}
	return status
}

// candidates are the expected jobs that a webhook may speak of. h.mu is held.
func (h *WebhookHandler) candidates(w *Webhook) (all []*expected) {
	if w.TrackID != "" {
		e := h.tracks[w.TrackID]
		if e == nil { // a number may come back as 12.0
			e = h.tracks[itoa(int64(jsonInt([]byte(strconv.Quote(w.TrackID)))))]
		}
		switch {
		case e == nil:
		case e.id != "" && (w.ID == "" || w.ID == e.id),
			e.id == "" && checkElement("id", w.ID) == nil && h.mayBe(e, w.ID):
			return []*expected{e}
		default:
			return nil
		}
	}
	if w.ID == "" {
		return nil
	}
	for _, e := range h.ids[w.ID] {
		if e.track == "" && (e.workflow != "") == w.run && (e.workflow == "" || w.WorkflowID == "" || w.WorkflowID == e.workflow) {
			all = append(all, e)
		}
	}
	return all
}

// takeFound takes a webhook of a job that the owner knows.
func (h *WebhookHandler) takeFound(w Webhook, g *Generation) int {
	if _, err := asking(g); err != nil {
		h.report(fmt.Errorf("modelslab: WebhookParams.Find: %w", err))
		return http.StatusInternalServerError
	}
	key := jobKey{g.Path, g.ID}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended.has(key) {
		return http.StatusOK
	}
	e := h.known(g.Path, g.ID)
	if e == nil {
		e, _ = h.found.get(key)
	}
	if e == nil {
		e = &expected{path: g.Path, id: g.ID, left: webhookFetches}
		h.found.put(key, e)
	}
	return h.admit(e, e.id, w)
}

// admit queues a webhook, unless one of the same job waits already. h.mu is held.
func (h *WebhookHandler) admit(e *expected, id string, w Webhook) int {
	key := confirmKey{e, id}
	switch c := h.active[key]; {
	case h.closed:
		return http.StatusServiceUnavailable
	case c != nil:
		c.webhook, c.again = w, c.running
		return http.StatusAccepted
	case e.left <= 0:
		return http.StatusTooManyRequests
	case len(h.queue) >= h.p.Backlog:
		return http.StatusServiceUnavailable
	}
	c := &confirmation{e: e, id: id, webhook: w}
	h.active[key] = c
	h.queue = append(h.queue, c)
	h.hire()
	return http.StatusAccepted
}

// hire starts a worker, if there is work for one more. h.mu is held.
func (h *WebhookHandler) hire() {
	if len(h.queue) > 0 && h.working < h.p.Workers {
		h.working++
		go h.work()
	}
}

// work looks into webhooks until none waits.
func (h *WebhookHandler) work() {
	defer func() { // also when Handle ends the goroutine
		h.mu.Lock()
		defer h.mu.Unlock()
		h.working--
		h.hire()
		if h.closed && h.working == 0 {
			close(h.idle)
		}
	}()
	for {
		h.mu.Lock()
		if len(h.queue) == 0 {
			h.mu.Unlock()
			return
		}
		c := h.queue[0]
		h.queue[0], h.queue = nil, h.queue[1:]
		h.mu.Unlock()
		if event := h.confirm(c); event != nil {
			if err := h.s.c.settlesTrack(h.ctx, event.Webhook.TrackID, event.Generation.ID); err != nil {
				h.report(err)
			}
			h.handle(*event)
		}
	}
}

// confirm asks how the job is that a webhook speaks of, and again if another
// webhook came meanwhile. nil: it has not ended, or nobody can tell.
func (h *WebhookHandler) confirm(c *confirmation) *WebhookEvent {
	for {
		h.mu.Lock()
		if c.e.left <= 0 || h.ended.has(jobKey{c.e.path, c.id}) {
			delete(h.active, confirmKey{c.e, c.id})
			h.mu.Unlock()
			return nil
		}
		c.e.left--
		c.running, c.again = true, false
		h.mu.Unlock()

		event, err := h.ask(c)

		h.mu.Lock()
		again := event == nil && c.again
		if event != nil && !h.settle(c, event) {
			event = nil
		}
		if !again {
			delete(h.active, confirmKey{c.e, c.id})
			if event == nil && (err == nil && !c.webhook.running() || err != nil && transient(err)) {
				h.later(c)
			}
		}
		h.mu.Unlock()
		if err != nil {
			h.report(fmt.Errorf("modelslab: webhook for %s at %s: %w", clean(c.id, maxCodeText), c.e.path, err))
		}
		if !again {
			return event
		}
	}
}

var errNotThisJob = errors.New("the answer does not say that it is about this job")

// ask fetches the job. Only what the API says of it counts.
// later asks once more after a while: the API may know of an end a moment after
// its webhook, and nobody calls a second time. h.mu is held.
func (h *WebhookHandler) later(c *confirmation) {
	if c.tries >= webhookRepeats {
		return
	}
	time.AfterFunc(webhookPause<<c.tries, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		key := confirmKey{c.e, c.id}
		if h.closed || h.active[key] != nil || h.ended.has(jobKey{c.e.path, c.id}) {
			return
		}
		h.admit(c.e, c.id, c.webhook)
		if next := h.active[key]; next != nil {
			next.tries = c.tries + 1
		}
	})
}

func (h *WebhookHandler) ask(c *confirmation) (*WebhookEvent, error) {
	ctx, cancel := context.WithTimeout(h.ctx, confirmTimeout)
	defer cancel()
	g := &Generation{ID: c.id, Path: c.e.path}
	j, err := h.s.fetch(ctx, g, nil)
	failed := errors.Is(err, ErrGenerationFailed)
	switch {
	case err != nil && !failed:
		return nil, err
	case err == nil && j.g.Status != StatusSuccess:
		return nil, nil // not yet
	case j.g.ID != "":
		g = &j.g
	default:
		g.Status = StatusFailed
	}
	if c.e.id == "" {
		// The id is the webhook's own word. A refusal of a job that there is not
		// looks like one that failed, but for the id.
		if failed && jsonText(member(g.Raw, "id")) != c.id || g.TrackID != "" && g.TrackID != c.e.track {
			return nil, errNotThisJob
		}
	}
	g.TrackID = firstOf(g.TrackID, c.e.track)
	return &WebhookEvent{Generation: g, Err: err}, nil
}

// settle notes that a job's end is about to be handed over. false: it must not
// be, or was before. h.mu is held.
func (h *WebhookHandler) settle(c *confirmation, event *WebhookEvent) bool {
	e, key := c.e, jobKey{c.e.path, c.id}
	if h.ended.has(key) {
		return false
	}
	if e.id == "" { // Expect may have told its id, or another job's track, meanwhile
		now := h.tracks[e.track]
		if now == nil || now.id != "" && now.id != c.id || !h.mayBe(now, c.id) {
			return false
		}
		h.forget(now)
	}
	h.forget(e)
	for same := h.known(e.path, c.id); same != nil; same = h.known(e.path, c.id) {
		h.forget(same)
	}
	h.ended.put(key, struct{}{})
	h.prints.put(c.webhook.print(), struct{}{})
	event.Webhook = c.webhook
	return true
}

// mayBe reports whether e may have an id: it is not that of a job with another
// track id. h.mu is held.
func (h *WebhookHandler) mayBe(e *expected, id string) bool {
	other := h.known(e.path, id)
	return other == nil || other == e || other.track == ""
}

func (h *WebhookHandler) handle(e WebhookEvent) {
	defer func() {
		if v := recover(); v != nil {
			h.report(fmt.Errorf("modelslab: WebhookParams.Handle panicked: %v\n%s", v, debug.Stack()))
		}
	}()
	h.p.Handle(h.ctx, e)
}

// report tells the owner what nobody waits for.
func (h *WebhookHandler) report(err error) {
	if h.p.Error == nil {
		if l := h.s.c.cfg.logger; l != nil {
			l.LogAttrs(h.ctx, slog.LevelWarn, "modelslab webhook", slog.String("error", err.Error()))
		}
		return
	}
	defer func() { _ = recover() }() // there is nobody left to tell
	h.p.Error(err)
}

// Close takes no more webhooks, and waits until those that were taken have been
// looked into and handed over. When ctx ends before that, the questions and the
// ctx of Handle end too, what still waits is dropped, and Close returns the
// error of ctx without waiting for Handle. It can be called again. Called within
// Handle it waits for itself.
func (h *WebhookHandler) Close(ctx context.Context) error {
	if ctx == nil {
		return &ParamError{Param: "ctx", Reason: "nil"}
	}
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		if h.working == 0 {
			close(h.idle)
		}
	}
	h.mu.Unlock()
	defer h.stop()
	select {
	case <-h.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// recent is a map that forgets the oldest.
type recent[K comparable, V any] struct {
	m     map[K]*linked.Element
	order linked.List // of recentEntry[K, V]
}

type recentEntry[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any]() *recent[K, V] { return &recent[K, V]{m: map[K]*linked.Element{}} }

func (r *recent[K, V]) has(key K) bool { return r.m[key] != nil }

func (r *recent[K, V]) get(key K) (value V, ok bool) {
	at := r.m[key]
	if at == nil {
		return value, false
	}
	return at.Value.(recentEntry[K, V]).value, true
}

func (r *recent[K, V]) put(key K, value V) {
	r.drop(key)
	r.m[key] = r.order.PushBack(recentEntry[K, V]{key, value})
	if r.order.Len() > webhookMemory {
		r.drop(r.order.Front().Value.(recentEntry[K, V]).key)
	}
}

func (r *recent[K, V]) drop(key K) {
	if at := r.m[key]; at != nil {
		r.order.Remove(at)
		delete(r.m, key)
	}
}
