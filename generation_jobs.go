package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/modelslab/modelslab-agents-go/internal/retry"
)

// GenerationStatus is where a job is. Words that nobody has heard of pass
// through, and count as still running.
type GenerationStatus string

// The documented states.
const (
	StatusProcessing GenerationStatus = "processing"
	StatusSuccess    GenerationStatus = "success"
	StatusFailed     GenerationStatus = "failed" // accepted, then broke
	StatusError      GenerationStatus = "error"
)

// Generation is a job. Its JSON can be kept: what is read back, or just ID and
// Path, is enough for [GenerationService.Fetch] and [GenerationService.Wait] in
// another process.
type Generation struct {
	ID     string           `json:"id"`
	Path   string           `json:"path"` // where it was submitted: "/api/v6/images/text2img"
	Status GenerationStatus `json:"status"`
	// Output is what was made: URLs, or base64 where that was asked for. Only
	// a job whose Status is success has it for sure.
	Output      []string        `json:"output,omitzero"`
	ProxyLinks  []string        `json:"proxy_links,omitzero"`  // the same files from other hosts
	FutureLinks []string        `json:"future_links,omitzero"` // where the files will be; no results yet
	ETA         time.Duration   `json:"eta,omitzero"`          // the server's estimate; in JSON nanoseconds
	Message     string          `json:"message,omitzero"`
	TrackID     string          `json:"track_id,omitzero"`
	Raw         json.RawMessage `json:"raw,omitzero"` // the last answer as received
}

func (g Generation) line() string {
	return "generation " + clean(g.ID, maxCodeText) + " at " + clean(g.Path, maxCodeText) + ": " + clean(string(g.Status), maxCodeText)
}

// Format writes one line under every verb.
func (g Generation) Format(f fmt.State, verb rune) { formatText(f, verb, g.line()) }

// LogValue implements slog.LogValuer.
func (g Generation) LogValue() slog.Value { return slog.StringValue(g.line()) }

// Done reports whether the job has ended, well or not.
func (g *Generation) Done() bool {
	switch g.Status {
	case StatusSuccess, StatusFailed, StatusError:
		return true
	}
	return false
}

// generationWire is a job as the server sends it.
type generationWire struct {
	ID          text            `json:"id"`
	Status      text            `json:"status"`
	Output      json.RawMessage `json:"output"`
	Links       json.RawMessage `json:"links"`
	OutputURL   json.RawMessage `json:"output_url"`
	Text        json.RawMessage `json:"text"`
	ProxyLinks  json.RawMessage `json:"proxy_links"`
	FutureLinks json.RawMessage `json:"future_links"`
	ETA         json.RawMessage `json:"eta"`
	Message     text            `json:"message"`
	Messege     text            `json:"messege"` // so spelled by the older APIs
	TrackID     text            `json:"track_id"`
	RequestID   text            `json:"request_id"`
	FetchResult text            `json:"fetch_result"`
}

// job is the answer to a submission or a fetch.
type job struct {
	g Generation
	// known is the job that was asked for, if it was.
	known *Generation
}

func (j *job) decode(t *trip, a *answer) error {
	if a.shape != shapeObject {
		return errUnreadable
	}
	var w generationWire
	if err := decodeTolerant(a.body, &w); err != nil {
		return err
	}
	j.g = Generation{
		ID: string(w.ID), Path: t.path, Status: GenerationStatus(strings.ToLower(string(w.Status))),
		Output: links(w.Output), ProxyLinks: links(w.ProxyLinks), FutureLinks: links(w.FutureLinks),
		ETA: eta(w.ETA), Message: firstOf(string(w.Message), string(w.Messege)), TrackID: string(w.TrackID),
		Raw: bytes.Clone(a.body),
	}
	g := &j.g
	switch t.e { // where they have their ids
	case trainingCreate.row(), trainingStatus.row():
		g.ID = firstOf(jsonText(member(a.body, "training_id")), g.ID)
	case workflowsRun.row(), workflowsExecution.row():
		g.ID = firstOf(jsonText(member(a.body, "execution_id")), jsonText(member(member(a.body, "execution"), "id")), g.ID)
	}
	if j.known != nil {
		if g.ID != "" && g.ID != j.known.ID {
			e := t.apiError(&result{answer: *a, body: &a.body})
			e.Code, e.Message = anotherJob, "the answer is about generation "+clean(g.ID, maxCodeText)+", and another one was asked for"
			return e
		}
		g.Path, g.ID = j.known.Path, j.known.ID
	} else {
		g.ID = firstOf(g.ID, string(w.RequestID), fetchID(string(w.FetchResult)))
	}
	for _, v := range [...][]byte{w.Links, w.OutputURL, w.Text} { // a cover's; where the vendor's own client looks; a transcript
		if len(g.Output) == 0 {
			g.Output = links(v)
		}
	}
	if len(g.Output) == 0 && g.Status == StatusSuccess {
		g.Output = g.ProxyLinks
	}
	shows := true // a success is one only with something to show
	switch t.e {
	case trainingCreate.row(), trainingStatus.row():
		g.training(a.body, j.known == nil)
		shows = false
	case workflowsRun.row(), workflowsExecution.row():
		g.execution(a.body)
		shows = false
	}
	failed := func(message string) error {
		e := t.apiError(&result{answer: *a, body: &a.body})
		a.fault(e)
		e.Message = clean(t.scrub(firstOf(message, g.Message, e.Message)), maxMessageText)
		return &GenerationError{APIError: *e, GenerationID: g.ID}
	}
	switch {
	case g.Status == StatusFailed, g.Status == StatusError:
		return failed("")
	case g.Status == "" && (g.ID == "" || j.known != nil) && len(g.Output) == 0:
		return missing("status")
	case shows && g.Status == StatusSuccess && len(g.Output) == 0:
		return failed("success, and no output came with it")
	case g.Status != StatusSuccess && g.ID == "":
		return missing("id")
	}
	return nil
}

// anotherJob is the code of an answer about a job that was not asked for.
const anotherJob = "another_job"

// refusal knows a job that failed, under whatever status code its end is told.
func (j *job) refusal(e *APIError) error {
	status := GenerationStatus(jsonText(member(e.Raw, "status")))
	if j.known == nil || status != StatusFailed || jsonText(member(e.Raw, "id")) != j.known.ID {
		return nil
	}
	j.g = *j.known
	j.g.Status, j.g.Message, j.g.Raw = status, e.Message, e.Raw
	return &GenerationError{APIError: *e, GenerationID: j.known.ID}
}

// fetchID is the id at the end of the URL that the server names as the place to
// ask. Nothing else of that URL is used.
func fetchID(link string) string {
	id := path.Base(link)
	if path.Base(path.Dir(link)) != "fetch" || checkElement("", id) != nil || strings.ContainsAny(id, "?#%") {
		return ""
	}
	return id
}

// links reads what comes as a string, an array, an object by number, or an
// array of arrays; "" and null are none.
func links(v json.RawMessage) []string {
	if len(v) == 0 {
		return nil
	}
	switch v[0] {
	case '"':
		if s := jsonText(v); strings.TrimSpace(s) != "" {
			return []string{s}
		}
	case '[':
		var items []json.RawMessage
		if json.Unmarshal(v, &items) != nil {
			return nil
		}
		var all []string
		for _, item := range items {
			all = append(all, links(item)...)
		}
		return all
	case '{':
		if inner := member(v, "output"); inner != nil { // a workflow's
			return links(inner)
		}
		type entry struct {
			name  string
			value []byte
		}
		var entries []entry
		for m := membersOf(v); m.next(); {
			switch string(m.name) {
			case "error", "errors", "message", "messege", "status", "code", "details", "self":
				continue // words about the output
			}
			entries = append(entries, entry{string(m.name), m.value})
		}
		sort.SliceStable(entries, func(i, j int) bool {
			a, errA := strconv.Atoi(entries[i].name)
			b, errB := strconv.Atoi(entries[j].name)
			return errA == nil && errB == nil && a < b
		})
		var all []string
		for _, e := range entries {
			all = append(all, links(e.value)...)
		}
		return all
	}
	return nil
}

// eta reads a number of seconds.
func eta(v []byte) time.Duration {
	s, ok := seconds(v)
	if !ok || math.IsNaN(s) {
		return 0
	}
	const day = 24 * 60 * 60
	return time.Duration(min(s, day) * float64(time.Second))
}

// newer is the form of the paths that jobs of v6 and later are submitted to: the
// version, the family, the job.
var newer = regexp.MustCompile(`^/api/v([6-9]|[1-9][0-9]+)/([a-z0-9_-]+)/[a-z0-9_-]+$`)

// question is where to ask for a job: a row, and its path with the ids in it.
type question struct {
	row  *Endpoint
	path string
	body any
}

// asking is the question that tells how the job g is.
func asking(g *Generation) (*question, error) {
	if g == nil {
		return nil, &ParamError{Param: "Generation", Reason: "nil"}
	}
	if err := checkElement("Generation.ID", g.ID); err != nil {
		return nil, err
	}
	unknown := &ParamError{Param: "Generation.Path", Value: g.Path, Reason: "must be the path that the job was submitted to, as in /api/v6/images/text2img"}
	if checkGenerationPath(g.Path) != nil {
		return nil, unknown
	}
	if e := rowFor(post, g.Path); e != nil {
		if !e.Job {
			return nil, unknown
		}
		return &question{row: e.fetch.row(), path: filled(e.fetch.row().full, append(wildcards(e.full, g.Path), g.ID)...)}, nil
	}
	if action, ok := strings.CutPrefix(g.Path, enterprise+"/"); ok {
		server, _, named := strings.Cut(action, "/")
		if named {
			return &question{row: serversFetch.row(), path: filled(serversFetch.row().full, server, g.ID)}, nil
		}
		return &question{row: serversFetchImages.row(), path: serversFetchImages.row().full, body: requestID{g.ID}}, nil
	}
	if newer.MatchString(g.Path) && !strings.Contains(g.Path, "/llm/") {
		family := path.Dir(g.Path) + "/fetch/"
		return &question{
			row: &Endpoint{
				Name: "generation.fetch", Method: post, Path: family + "{id}", Limiter: LimiterGeneration, Repeat: RepeatSafe, Known: "docs",
				full: family + "{id}",
			},
			path: family + g.ID,
		}, nil
	}
	return nil, unknown
}

// requestID is how some families want a job's id.
type requestID struct {
	RequestID string `json:"request_id"`
}

// wildcards are the elements of a path that stand where its template has {…}.
func wildcards(template, path string) (values []string) {
	elements := strings.Split(path, "/")
	for i, name := range strings.Split(template, "/") {
		if strings.HasPrefix(name, "{") {
			values = append(values, elements[i])
		}
	}
	return values
}

// filled is a template with elements, which are checked, in the places of {…}.
func filled(template string, elements ...string) string {
	parts := strings.Split(template, "/")
	for i, name := range parts {
		if strings.HasPrefix(name, "{") && len(elements) > 0 {
			parts[i], elements = elements[0], elements[1:]
		}
	}
	return strings.Join(parts, "/")
}

// Fetch asks once how a job is. &Generation{ID: id, Path: path} is enough of it.
// The job that is given stays as it is. A job that failed is a
// [GenerationError]. It asks the client's origin only, whatever the server names
// as the place to ask. It can be repeated, and is.
func (s *GenerationService) Fetch(ctx context.Context, g *Generation, opts ...RequestOption) (*Generation, error) {
	j, err := s.fetch(ctx, g, opts)
	if err != nil {
		return nil, err
	}
	return &j.g, nil
}

func (s *GenerationService) fetch(ctx context.Context, g *Generation, opts []RequestOption) (*job, error) {
	q, err := asking(g)
	if err != nil {
		return nil, err
	}
	j, err := s.ask(ctx, g, q, opts)
	if q.row == imagesFetch.row() && errors.Is(err, ErrNotFound) {
		// The reference page has another form of it. What it does not know either
		// is not there.
		again, err2 := s.ask(ctx, g, &question{row: imagesFetchByBody.row(), path: imagesFetchByBody.row().full, body: requestID{g.ID}}, opts)
		if !errors.Is(err2, ErrNotFound) {
			j, err = again, err2
		}
	}
	if s.c.cfg.queueLimit > 0 && (err == nil && j.g.Done() || errors.Is(err, ErrGenerationFailed) || errors.Is(err, ErrNotFound)) {
		cred := s.c.credentials()
		s.c.queue(cred).ended(g.ID, g.Path)
		s.c.leaveQueue(ctx, digest(cred.apiKey), g.ID, g.Path)
	}
	return j, err
}

func (s *GenerationService) ask(ctx context.Context, g *Generation, q *question, opts []RequestOption) (*job, error) {
	j := &job{known: g}
	t := trip{c: s.c, e: q.row, path: q.path, in: input{body: q.body}}
	return j, t.walk(ctx, j, opts)
}

// WaitParams is how to wait for a job.
type WaitParams struct {
	// MaxInterval is the longest pause between two questions; default 10 s. A 429
	// may ask for a longer one, up to RetryPolicy.MaxWait.
	MaxInterval time.Duration
	Progress    func(*Generation) // called after each answer; may be nil
}

const (
	defaultWaitInterval = 10 * time.Second
	minWaitInterval     = time.Second
	leastWaitInterval   = 100 * time.Millisecond
)

// Wait asks until a job has ended: first after the server's estimate, then ever
// more rarely, up to every ten seconds. It outlasts lost connections, 429 and
// server errors. It ends with the job's failure ([GenerationError]), with 401,
// 403 and 404, and with ctx, which ends the waiting and not the job.
//
// The job returned is never nil, also beside an error: it is the last that is
// known. The one given stays as it is.
func (s *GenerationService) Wait(ctx context.Context, g *Generation, p WaitParams, opts ...RequestOption) (*Generation, error) {
	last := &Generation{}
	if g != nil {
		known := *g
		last = &known
	}
	if ctx == nil {
		return last, &ParamError{Param: "ctx", Reason: "nil"}
	}
	if p.MaxInterval < 0 {
		return last, &ParamError{Param: "WaitParams.MaxInterval", Value: p.MaxInterval.String(), Reason: "must not be negative"}
	}
	if last.Status == StatusSuccess && len(last.Output) > 0 {
		return last, nil
	}
	if _, err := asking(g); err != nil {
		return last, err
	}
	most := defaultWaitInterval
	if p.MaxInterval > 0 {
		most = max(p.MaxInterval, leastWaitInterval)
	}
	backoff := min(minWaitInterval, most)
	delay := backoff
	if last.ETA > 0 {
		delay = min(last.ETA, most)
	}
	if last.Status == "" {
		delay = 0 // picked up from elsewhere: nothing is known of it yet
	}
	var trouble error
	for {
		if err := retry.Wait(ctx, delay); err != nil {
			if trouble != nil {
				err = &stoppedError{err, trouble}
			}
			return last, err
		}
		j, err := s.fetch(ctx, last, opts)
		switch {
		case err == nil:
			last, trouble = &j.g, nil
			if p.Progress != nil {
				p.Progress(last)
			}
			if last.Status == StatusSuccess {
				return last, nil
			}
			backoff = min(2*backoff, most)
			delay = backoff
			if last.ETA > 0 {
				delay = min(max(last.ETA, minWaitInterval), backoff)
			}
		case ctx.Err() != nil:
			return last, err
		case !transient(err):
			if errors.Is(err, ErrGenerationFailed) && j.g.ID != "" {
				last = &j.g
			}
			return last, err
		default:
			trouble = err
			backoff = min(2*backoff, most)
			delay = backoff
			if limited, ok := as[*RateLimitError](err); ok {
				delay = max(delay, min(limited.RetryAfter, s.c.cfg.retry.MaxWait))
			}
		}
	}
}

// transient tells trouble on the way from an answer that will not change.
func transient(err error) bool {
	if errors.Is(err, ErrGenerationFailed) || errors.Is(err, errTooLarge) || errors.Is(err, ErrUnauthenticated) && !isAnswer(err) {
		return false
	}
	api, ok := as[*APIError](err)
	if !ok {
		var param *ParamError
		return !errors.As(err, &param)
	}
	retried := []int{http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests}
	return api.StatusCode < 300 && api.Code != anotherJob || api.StatusCode >= 500 || slices.Contains(retried, api.StatusCode)
}

func isAnswer(err error) bool {
	_, ok := as[*APIError](err)
	return ok
}
