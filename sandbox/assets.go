package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// voice is one that speech can have.
type voice struct {
	account            *account // nil: everybody's
	id, name, language string
	kind               string // manual, trained or voice_cover
}

// commonVoices are everybody's. The names are documented, the ids are the sandbox's own.
func commonVoices() []voice {
	return []voice{
		{id: "tara", name: "Tara", language: "american english", kind: "manual"},
		{id: "leo", name: "Leo", language: "american english", kind: "manual"},
		{id: "jess", name: "Jess", language: "british english", kind: "manual"},
		{id: "stage-tenor", name: "Stage Tenor", language: "english", kind: "voice_cover"},
	}
}

// voicePrice is what the upload of a voice costs, in cents, unless [WithPrice] says another.
const voicePrice = 5

func (s *Server) uploadVoice(c *call) answer {
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	if wrong := complaint(c, params(`
		name! text
		init_audio! audio base64
		language! text
		base64 bool
		gender text of:male,female
		thumbnail text
	`)); wrong != "" {
		return generationError(http.StatusBadRequest, "%s", wrong)
	}
	cost, set := s.prices[c.route.name]
	if !set {
		cost = voicePrice
	}
	if a.subscribed() {
		cost = 0
	}
	if a.wallet.balance < cost {
		return poor()
	}
	v := voice{account: a, id: fmt.Sprintf("voice-%d", s.nextID("voice", 1001)), name: c.text("name"), language: c.text("language"), kind: "trained"}
	s.voices = append(s.voices, v)
	if cost > 0 {
		s.debit(a, cost, movement{source: "api", id: v.id, usecase: "voice_upload", description: "Voice " + v.name})
	}
	return bare(http.StatusOK, object{"status": "success", "message": "Voice uploaded successfully", "voice_id": v.id})
}

func (s *Server) listVoices(c *call) answer {
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	if wrong := complaint(c, params("type text of:manual,trained,voice_cover")); wrong != "" {
		return generationError(http.StatusBadRequest, "%s", wrong)
	}
	kind := cmp.Or(c.text("type"), "manual")
	list := []any{}
	for _, v := range slices.Concat(commonVoices(), s.voices) {
		if v.kind == kind && (v.account == nil || v.account == a) {
			list = append(list, object{"voice_id": v.id, "name": v.name, "language": v.language})
		}
	}
	return bare(http.StatusOK, object{"status": "success", "voices": list})
}

// assetKind is the type under which a job's results are listed.
func (m *mediaJob) assetKind() string {
	if m.makes == makesText {
		return "" // a text is no asset
	}
	return string(m.makes)
}

// deleteMedia deletes the results of a job. What was paid for them stays paid.
func (s *Server) deleteMedia(c *call) answer {
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	if wrong := complaint(c, params("request_id! int 0.. \n type text of:image,video,voice,3d")); wrong != "" {
		return generationError(http.StatusBadRequest, "%s", wrong)
	}
	id := c.count("request_id", 0)
	j := s.jobs[id]
	if j == nil || j.account != a || j.deleted || c.has("type") && j.row.assetKind() != c.text("type") {
		return generationError(http.StatusNotFound, "No generation found for id %d", id)
	}
	j.deleted = true
	return bare(http.StatusOK, object{"status": "success", "messege": "image deleted"})
}

// assets lists the finished jobs of one kind, newest first.
func (s *Server) assets(c *call) answer {
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	if wrong := complaint(c, params("type! text of:image,video,voice,3d \n per_page int 1..30 \n page int 1..1000000")); wrong != "" {
		return generationError(http.StatusBadRequest, "%s", wrong)
	}
	var done []*job
	for _, j := range s.jobs {
		if j.account == a && !j.deleted && j.row.assetKind() == c.text("type") &&
			!c.now.Before(j.ready) && s.generationOutcome == GenerationSucceeds {
			done = append(done, j)
		}
	}
	slices.SortFunc(done, func(x, y *job) int { return cmp.Compare(y.id, x.id) })
	size, number := int(c.count("per_page", 10)), int(c.count("page", 1))
	from := min((number-1)*size, len(done))
	to := min(from+size, len(done))
	rows := []any{}
	for _, j := range done[from:to] {
		rows = append(rows, object{"id": j.id, "output": s.links(j)})
	}
	first, last := any(from+1), any(to)
	if from == to { // as the framework's paginator has it
		first, last = nil, nil
	}
	return bare(http.StatusOK, object{
		"status": "success", "type": c.text("type"), "data": rows,
		"pagination": object{
			"current_page": number, "per_page": size, "total": len(done),
			"last_page": max(1, (len(done)+size-1)/size), "from": first, "to": last,
		},
	})
}

// countsPerMinute is how often an account may ask for the length of its queue.
const countsPerMinute = 30

// requestCount tells how many jobs are unfinished. Its page asks with GET and a body, its
// specification with POST; a GET may have the key in its query too.
func (s *Server) requestCount(c *call) answer {
	if key := c.log.Query.Get("key"); key != "" && c.http.Method == http.MethodGet && !c.has("key") {
		c.fields["key"] = key
	}
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	if wait, over := s.countedTooOften(a, c.now); over {
		return bare(http.StatusTooManyRequests, object{
			"status": "error", "message": "Rate limit exceeded.", "retry_after": wait,
		})
	}
	n, _ := s.queued(a, c.now)
	return bare(http.StatusOK, object{
		"status": "success", "processing_count": n, "message": "Current processing request count retrieved successfully",
	})
}

func (s *Server) countedTooOften(a *account, now time.Time) (wait int64, over bool) {
	if s.rateLimits == nil {
		return 0, false
	}
	id := "request count|" + strconv.FormatInt(a.id, 10)
	w := s.windows[id]
	if w == nil || !now.Before(w.ends) {
		w = &window{ends: now.Add(windowLength)}
		s.windows[id] = w
	}
	w.used++
	return int64((w.ends.Sub(now) + time.Second - 1) / time.Second), w.used > countsPerMinute
}

func (s *Server) generationBalance(c *call) answer {
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	return bare(http.StatusOK, object{
		"status": "success", "data": object{"balance": s.dollars(a.wallet.balance), "currency": "USD"},
	})
}
