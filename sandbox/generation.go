package sandbox

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"time"
)

// GenerationOutcome is how generations end.
type GenerationOutcome string

// The ends of a generation.
const (
	GenerationSucceeds GenerationOutcome = "success"
	GenerationFails    GenerationOutcome = "failed" // accepted, then broke; the price is given back
	GenerationErrs     GenerationOutcome = "error"  // the same, told as HTTP 200 with status error
)

// job is a generation.
type job struct {
	id       int64
	account  *account
	row      *mediaJob // the endpoint that started it
	family   string    // "/api/v6/images": ids belong to a family
	created  time.Time
	ready    time.Time
	files    []string
	meta     object
	cost     int64
	refunded bool
	deleted  bool // its results are gone
	instant  bool // the first answer has no result, whatever the time
	encoded  bool // results are base64 in the answer

	trackID   any // as it was sent, nil for none
	webhook   string
	hookState string        // what answers say of the webhook
	tell      func() object // what the webhook is told, nil for the usual
}

// generationError is the shape in which generation endpoints refuse.
func generationError(status int, format string, args ...any) answer {
	return bare(status, object{"status": "error", "message": fmt.Sprintf(format, args...)})
}

// spelled gives a refusal the spelling of the family: the older ones have it wrong.
func spelled(family string, a answer) answer {
	body, ok := a.body.(object)
	if !ok || family != fifth || body["message"] == nil {
		return a
	}
	body["messege"] = body["message"]
	delete(body, "message")
	if a.status != http.StatusOK {
		body["code"] = a.status
	}
	return a
}

// keyHolder finds the account of the API key in the body.
func (s *Server) keyHolder(c *call) (*account, answer, bool) {
	key := c.text("key")
	if key == "" {
		return nil, generationError(http.StatusUnauthorized, "API key required"), true
	}
	a := s.apiKeys[key]
	if a == nil {
		return nil, generationError(http.StatusUnauthorized, "Invalid API key"), true
	}
	return a, answer{}, false
}

// count reads an optional integer field that was found in order, and usual without it.
func (c *call) count(name string, usual int64) int64 {
	if n, ok := c.integer(name); ok {
		return n
	}
	return usual
}

// promptSeed is the seed of a request that names none: the same words, the same picture.
func promptSeed(prompt string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(prompt)) // a hash takes everything
	return int64(h.Sum32())
}

// submit starts a job.
func (s *Server) submit(c *call, m *mediaJob) answer { return spelled(m.family, s.start(c, m)) }

func (s *Server) start(c *call, m *mediaJob) answer {
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	if wrong := m.complaint(c); wrong != "" {
		return generationError(http.StatusBadRequest, "%s", wrong)
	}
	if full, wait := s.queueFull(a, c.now); full {
		return bare(http.StatusTooManyRequests, object{
			"status":      "error",
			"message":     fmt.Sprintf("Rate limit exceeded. Maximum %d queued requests allowed.", s.queueLimit),
			"retry_after": json.Number(seconds(wait)),
		})
	}
	results := int64(1)
	if m.makes == makesImage {
		results = c.count("samples", 1)
	}
	cost := s.priceOf(m.name, m.makes) * results
	if a.subscribed() {
		cost = 0
	}
	if a.wallet.balance < cost {
		return poor()
	}
	j := s.newJob(c, a, m, results)
	j.cost = cost
	if cost > 0 {
		s.debit(a, cost, movement{
			source: "api", id: strconv.FormatInt(j.id, 10), usecase: m.usage(), description: m.bill(c, results),
		})
	}
	s.promiseWebhook(j)
	return s.jobAnswer(c, j, true)
}

// newJob makes a job that costs nothing yet.
func (s *Server) newJob(c *call, a *account, m *mediaJob, results int64) *job {
	j := &job{
		id: s.nextID("generation", 10_000_001), account: a, row: m, family: m.family,
		created: c.now, ready: c.now.Add(s.generationTime),
		instant: m.queued || c.set("instant_response"),
		encoded: m.encodes && c.set("base64"),
		trackID: c.fields["track_id"], webhook: c.text("webhook"),
	}
	s.draw(c, j, results)
	s.jobs[j.id] = j
	return j
}

func poor() answer {
	return generationError(http.StatusPaymentRequired, "Insufficient credits. Fund your wallet or subscribe to a plan.")
}

func (m *mediaJob) complaint(c *call) string {
	wrong := complaint(c, m.params)
	if wrong == "" && m.further != nil {
		wrong = m.further(c)
	}
	if wrong == "" && c.text("webhook") != "" && !callable(c.text("webhook")) {
		wrong = "webhook must be a valid https URL"
	}
	return wrong
}

// usage is the product that a job counts for.
func (m *mediaJob) usage() string {
	switch m.makes {
	case makesVideo:
		return "video_generation"
	case makesVoice:
		return "audio_generation"
	case makesSolid:
		return "3d_generation"
	case makesText:
		return "text_generation"
	}
	return usageImages
}

// bill is the line in the account's ledger.
func (m *mediaJob) bill(c *call, results int64) string {
	what := m.name
	if model := c.text("model_id"); model != "" {
		what = model
	}
	return fmt.Sprintf("%d %s(s), %s", results, m.makes, what)
}

// priceOf is what one result costs. See [WithPrice].
func (s *Server) priceOf(endpoint string, kind mediaKind) int64 {
	if cents, ok := s.prices[endpoint]; ok {
		return cents
	}
	switch kind {
	case makesVideo:
		return 20
	case makesVoice:
		return 3
	case makesSolid:
		return 25
	case makesText:
		return 1
	}
	return s.imagePrice
}

// queueFull reports whether the account has too many unfinished jobs, and for how long.
func (s *Server) queueFull(a *account, now time.Time) (bool, time.Duration) {
	queued, wait := s.queued(a, now)
	return queued >= s.queueLimit, wait
}

// queued counts the unfinished jobs of an account, and the time until one is done.
func (s *Server) queued(a *account, now time.Time) (int, time.Duration) {
	queued, wait := 0, time.Duration(0)
	for _, j := range s.jobs {
		if left := j.ready.Sub(now); j.account == a && left > 0 {
			if queued++; wait == 0 || left < wait {
				wait = left
			}
		}
	}
	return queued, wait
}

// fetchJob tells the holder of the key how far a job of the family is.
func (s *Server) fetchJob(c *call, family, number string) answer {
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	return s.found(c, family, number, func(j *job) bool { return j.account == a })
}

// fetchByBody is fetchJob with the id in the body.
func (s *Server) fetchByBody(c *call) answer {
	if _, refusal, refused := s.keyHolder(c); refused {
		return refusal
	}
	if !c.has("request_id") {
		return generationError(http.StatusBadRequest, "request_id is required")
	}
	return s.fetchJob(c, ordinary, fmt.Sprint(c.fields["request_id"]))
}

// fetchWithoutKey is fetchJob for ControlNet, whose documentation has no place for a key.
func (s *Server) fetchWithoutKey(c *call) answer {
	return spelled(fifth, s.found(c, fifth, c.params["id"], func(*job) bool { return true }))
}

func (s *Server) found(c *call, family, number string, mine func(*job) bool) answer {
	id, err := strconv.ParseInt(number, 10, 64)
	j := s.jobs[id]
	if err != nil || j == nil || j.deleted || j.family != family || !mine(j) {
		return generationError(http.StatusNotFound, "No generation found for id %s", number)
	}
	return s.jobAnswer(c, j, false)
}

// jobAnswer tells how far a job is, in the answer to its submission or to a fetch.
func (s *Server) jobAnswer(c *call, j *job, submitted bool) answer {
	left := max(j.ready.Sub(c.now), 0)
	var body object
	switch waits := left > 0 || submitted && j.instant; {
	case waits && j.family == editing && !submitted:
		// As documented: neither id nor eta, and an output that is no list.
		body = object{"status": "processing", "message": "Your request is still processing.", "output": "", "tip": tip(j)}
	case waits:
		body = s.processing(j, left)
	case s.generationOutcome != GenerationSucceeds:
		return s.broken(j)
	case j.family == editing && !submitted:
		return bare(http.StatusOK, object{"status": "success", "id": j.id, "output": s.output(j)})
	default:
		body = s.finished(j)
	}
	if j.trackID != nil {
		body["track_id"] = j.trackID
	}
	return bare(http.StatusOK, body)
}

func tip(j *job) string { return fmt.Sprintf("The %s is being generated.", j.row.makes) }

func (s *Server) processing(j *job, left time.Duration) object {
	body := object{
		"status": "processing", "id": j.id, "eta": json.Number(seconds(left)),
		"message":      "Try to fetch the request after the given time.",
		"tip":          tip(j),
		"fetch_result": fmt.Sprintf("%s%s/fetch/%d", s.url, j.family, j.id),
		"output":       []any{}, "future_links": s.links(j),
		"webhook_status": j.hookState, "meta": j.meta,
	}
	switch {
	case j.family == fifth:
		body["messege"] = body["message"]
		body["tip_1"] = "You can get the result with the fetch API."
		return body
	case j.family == ordinary:
		body["tip_1"] = "You can get the result with the fetch API."
	case j.row.makes == makesSolid:
		body["extra_assets"] = []any{}
	}
	body["proxy_links"] = []any{}
	return body
}

func (s *Server) finished(j *job) object {
	body := object{
		"status": "success", "id": j.id, "output": s.output(j),
		"webhook_status": j.hookState, "tip": "", "meta": j.meta,
	}
	if j.family == fifth {
		return body
	}
	body["generationTime"] = j.ready.Sub(j.created).Seconds()
	body["proxy_links"] = s.proxyLinks(j)
	switch {
	case j.row.links:
		body["output"], body["links"] = []any{}, s.links(j)
	case j.row.makes == makesImage:
		body["nsfw_content_detected"] = false
	}
	if j.row.makes == makesVoice {
		body["audio_time"] = toneLength.Seconds()
	}
	return body
}

// broken gives the price back and says so.
func (s *Server) broken(j *job) answer {
	s.refund(j)
	if s.generationOutcome == GenerationErrs {
		return spelled(j.family, bare(http.StatusOK, object{"status": "error", "id": j.id, "message": "Something went wrong on the server end."}))
	}
	return bare(http.StatusOK, failedBody(j))
}

// failedBody is what an answer and a webhook say of a job that broke.
func failedBody(j *job) object {
	body := object{
		"status": "failed", "id": strconv.FormatInt(j.id, 10), "message": "The generation failed.", "output": []any{},
	}
	if j.trackID != nil {
		body["track_id"] = j.trackID
	}
	return body
}

// refund gives the price back, once.
func (s *Server) refund(j *job) {
	if !j.refunded && j.cost > 0 {
		s.credit(j.account, j.cost, movement{
			source: "api", id: strconv.FormatInt(j.id, 10), usecase: "refund", description: "Failed generation",
		})
	}
	j.refunded = true
}

func (s *Server) links(j *job) []string {
	links := make([]string, len(j.files))
	for i, file := range j.files {
		links[i] = s.link(file)
	}
	return links
}

func (s *Server) link(file string) string { return s.url + "/media/" + file }

// proxyLinks are the same results from another host, which here is the same one.
func (s *Server) proxyLinks(j *job) []string {
	if j.encoded {
		return []string{}
	}
	return s.links(j)
}

// output is the result as the endpoint gives it.
func (s *Server) output(j *job) any {
	switch {
	case j.encoded:
		list := make([]any, len(j.files))
		for i, file := range j.files {
			list[i] = encodedFile{s.files[file]}
		}
		return list
	case j.row.makes == makesText && j.row.text == inList:
		return []string{s.files[j.files[0]].text}
	case j.row.makes == makesText && j.row.text == inPlace:
		return s.files[j.files[0]].text
	}
	return s.links(j)
}
