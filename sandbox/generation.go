package sandbox

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
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
	family   string // "/api/v6/images": ids belong to a family
	created  time.Time
	ready    time.Time
	files    []string
	prompt   string
	modelID  string
	seed     int64
	size     [2]int
	cost     int64
	refunded bool
}

// generationError is the shape in which generation endpoints refuse.
func generationError(status int, format string, args ...any) answer {
	return bare(status, object{"status": "error", "message": fmt.Sprintf(format, args...)})
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

// number reads an optional integer field within bounds, sent as 512 or "512".
func (c *call) number(name string, usual, least, most int64) (int64, error) {
	if !c.has(name) {
		return usual, nil
	}
	n, ok := c.integer(name)
	if !ok || n < least || n > most {
		return 0, fmt.Errorf("%s must be between %d and %d", name, least, most)
	}
	return n, nil
}

// imageRequest is what text to image asks for.
type imageRequest struct {
	prompt, modelID                string
	width, height, samples, chance int64
}

func (c *call) imageRequest() (imageRequest, error) {
	r := imageRequest{prompt: c.text("prompt"), modelID: c.text("model_id")}
	if c.malformed {
		return r, fmt.Errorf("the request body must be a JSON object")
	}
	if _, isText := c.fields["prompt"].(string); c.has("prompt") && !isText {
		return r, fmt.Errorf("prompt must be a string")
	}
	if r.prompt == "" {
		return r, fmt.Errorf("prompt is required")
	}
	if r.modelID == "" {
		return r, fmt.Errorf("model_id is required")
	}
	var err error
	for _, f := range []struct {
		name               string
		usual, least, most int64
		into               *int64
	}{
		{"width", 512, 256, 1024, &r.width},
		{"height", 512, 256, 1024, &r.height},
		{"samples", 1, 1, 4, &r.samples},
		{"seed", promptSeed(r.prompt), 0, 1<<62 - 1, &r.chance},
	} {
		if *f.into, err = c.number(f.name, f.usual, f.least, f.most); err != nil {
			return r, err
		}
	}
	for name, n := range map[string]int64{"width": r.width, "height": r.height} {
		if n%8 != 0 {
			return r, fmt.Errorf("%s must be divisible by 8", name)
		}
	}
	if c.has("guidance_scale") {
		text := strings.TrimSpace(fmt.Sprint(c.fields["guidance_scale"]))
		if g, err := strconv.ParseFloat(text, 64); err != nil || g < 1 || g > 20 {
			return r, fmt.Errorf("guidance_scale must be between 1 and 20")
		}
	}
	return r, nil
}

// promptSeed is the seed of a request that names none: the same words, the same picture.
func promptSeed(prompt string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(prompt)) // a hash takes everything
	return int64(h.Sum32())
}

func (s *Server) textToImage(c *call) answer {
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	r, err := c.imageRequest()
	if err != nil {
		return generationError(http.StatusBadRequest, "%s", err.Error())
	}
	if full, wait := s.queueFull(a, c.now); full {
		return bare(http.StatusTooManyRequests, object{
			"status":      "error",
			"message":     fmt.Sprintf("Rate limit exceeded. Maximum %d queued requests allowed.", s.queueLimit),
			"retry_after": json.Number(seconds(wait)),
		})
	}
	cost := s.imagePrice * r.samples
	if a.subscribed() {
		cost = 0
	}
	if a.wallet.balance < cost {
		return generationError(http.StatusPaymentRequired, "Insufficient credits. Fund your wallet or subscribe to a plan.")
	}
	j := &job{
		id: s.nextID("generation", 10_000_001), account: a,
		family:  c.http.URL.Path[:strings.LastIndexByte(c.http.URL.Path, '/')],
		created: c.now, ready: c.now.Add(s.generationTime),
		prompt: r.prompt, modelID: r.modelID, seed: r.chance,
		size: [2]int{int(r.width), int(r.height)}, cost: cost,
	}
	for i := range r.samples {
		file := fmt.Sprintf("%d-%d.png", j.id, i)
		s.pictures[file] = picture{prompt: r.prompt, seed: j.seed + i, width: j.size[0], height: j.size[1]}
		j.files = append(j.files, file)
	}
	s.jobs[j.id] = j
	if cost > 0 {
		s.debit(a, cost, movement{
			source: "api", id: strconv.FormatInt(j.id, 10), usecase: "image_generation",
			description: fmt.Sprintf("%d image(s), %s", r.samples, r.modelID),
		})
	}
	return s.jobAnswer(c, j)
}

// queueFull reports whether the account has too many unfinished jobs, and for how long.
func (s *Server) queueFull(a *account, now time.Time) (bool, time.Duration) {
	queued, wait := 0, time.Duration(0)
	for _, j := range s.jobs {
		if left := j.ready.Sub(now); j.account == a && left > 0 {
			if queued++; wait == 0 || left < wait {
				wait = left
			}
		}
	}
	return queued >= s.queueLimit, wait
}

func (s *Server) fetchImage(c *call) answer {
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	id, err := strconv.ParseInt(c.params["id"], 10, 64)
	j := s.jobs[id]
	if err != nil || j == nil || j.account != a || !strings.HasPrefix(c.http.URL.Path, j.family+"/") {
		return generationError(http.StatusNotFound, "No generation found for id %s", c.params["id"])
	}
	return s.jobAnswer(c, j)
}

// jobAnswer tells how far a job is.
func (s *Server) jobAnswer(c *call, j *job) answer {
	if left := j.ready.Sub(c.now); left > 0 {
		return bare(http.StatusOK, object{
			"status": "processing", "id": j.id, "eta": json.Number(seconds(left)),
			"message":      "Try to fetch the request after the given time.",
			"tip":          "The image is being generated.",
			"fetch_result": fmt.Sprintf("%s%s/fetch/%d", s.url, j.family, j.id),
			"output":       []any{}, "proxy_links": []any{}, "future_links": s.links(j),
			"webhook_status": "", "meta": j.meta(),
		})
	}
	if s.generationOutcome != GenerationSucceeds {
		return s.broken(j)
	}
	return bare(http.StatusOK, object{
		"status": "success", "id": j.id, "generationTime": j.ready.Sub(j.created).Seconds(),
		"output": s.links(j), "proxy_links": s.links(j),
		"nsfw_content_detected": false, "webhook_status": "", "tip": "", "meta": j.meta(),
	})
}

// broken gives the price back, once, and says so.
func (s *Server) broken(j *job) answer {
	if !j.refunded && j.cost > 0 {
		s.credit(j.account, j.cost, movement{
			source: "api", id: strconv.FormatInt(j.id, 10), usecase: "refund", description: "Failed generation",
		})
	}
	j.refunded = true
	if s.generationOutcome == GenerationErrs {
		return bare(http.StatusOK, object{"status": "error", "id": j.id, "message": "Something went wrong on the server end."})
	}
	return bare(http.StatusOK, object{
		"status": "failed", "id": strconv.FormatInt(j.id, 10), "message": "The generation failed.", "output": []any{},
	})
}

func (s *Server) links(j *job) []string {
	links := make([]string, len(j.files))
	for i, file := range j.files {
		links[i] = s.url + "/media/" + file
	}
	return links
}

func (j *job) meta() object {
	return object{
		"prompt": j.prompt, "model_id": j.modelID, "seed": j.seed,
		"width": j.size[0], "height": j.size[1], "samples": len(j.files),
	}
}

// media serves a finished picture. It is public, as the real links are; it is drawn when
// the answer is written, outside the server's lock.
func (s *Server) media(c *call) answer {
	p, ok := s.pictures[c.params["file"]]
	id, _, _ := strings.Cut(c.params["file"], "-")
	n, _ := strconv.ParseInt(id, 10, 64)
	if j := s.jobs[n]; !ok || j == nil || c.now.Before(j.ready) || s.generationOutcome != GenerationSucceeds {
		return page(http.StatusNotFound, "<!DOCTYPE html><title>404 Not Found</title>")
	}
	return answer{status: http.StatusOK, raw: p.png}.with("Content-Type", "image/png")
}
