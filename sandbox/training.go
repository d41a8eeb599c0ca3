package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// trainingPrice is what a training costs, in cents, whatever the plan, unless [WithPrice]
// says another. The dollar is documented.
const trainingPrice = 1_00

// trainingStates are those of the documentation, in their order.
func trainingStates() []string {
	return []string{
		"deploying_gpu", "training_started", "training_success", "trained_model_compressing",
		"trained_model_uploading", "trained_model_uploaded", "deploying_model", "model_ready",
	}
}

// The ends for which the documentation has no words.
const (
	trainingCancelled = "training_cancelled"
	trainingFailed    = "training_failed"
)

// training makes a model of pictures.
type training struct {
	id        string
	account   *account
	number    int64 // in the order of submission
	created   time.Time
	takes     time.Duration
	cost      int64
	usage     int64 // its record
	cancelled bool
	refunded  bool
}

// trainingAnswer is the shape of version 3, with its own spelling of message.
func trainingAnswer(word, data string) answer {
	return bare(http.StatusOK, object{"status": "success", "messege": word, "data": data})
}

func trainingError(status int, format string, args ...any) answer {
	return bare(status, object{"status": "error", "messege": fmt.Sprintf(format, args...), "code": status})
}

// trainer finds the account of the API key in the body.
func (s *Server) trainer(c *call) (*account, answer, bool) {
	key := c.text("key")
	if key == "" {
		return nil, trainingError(http.StatusUnauthorized, "API key required"), true
	}
	if a := s.apiKeys[key]; a != nil {
		return a, answer{}, false
	}
	return nil, trainingError(http.StatusUnauthorized, "Invalid API key"), true
}

func (s *Server) train(c *call) answer {
	a, refusal, refused := s.trainer(c)
	if refused {
		return refusal
	}
	if err := c.trainingRequest(); err != nil {
		return trainingError(http.StatusBadRequest, "%s", err.Error())
	}
	cost, set := s.prices[c.route.name]
	if !set {
		cost = trainingPrice
	}
	if a.wallet.balance < cost {
		return trainingError(http.StatusPaymentRequired, "Insufficient credits. Fund your wallet or subscribe to a plan.")
	}
	t := &training{
		id: s.randomText(10), account: a, number: s.nextID("training", 1),
		created: c.now, takes: s.services.trainingTime, cost: cost,
	}
	s.kept.trainings[t.id] = t
	t.usage = s.record(c, a, "lora_training", cost)
	if cost > 0 {
		s.debit(a, cost, movement{source: "api", id: t.id, usecase: "lora_training", description: "LoRA training"})
	}
	return bare(http.StatusOK, object{
		"status": "success", "messege": trainingStates()[0],
		"data": "it will take upto " + seconds(t.takes) + " seconds.", "training_id": t.id,
	})
}

// oneOf checks a text that has to be one of a few.
func (c *call) oneOf(name string, required bool, words ...string) error {
	if !c.has(name) && !required {
		return nil
	}
	if !slices.Contains(words, c.text(name)) {
		return fmt.Errorf("%s must be one of %s", name, strings.Join(words, ", "))
	}
	return nil
}

// wanted checks that texts are there.
func (c *call) wanted(names ...string) error {
	for _, name := range names {
		if _, isText := c.fields[name].(string); c.has(name) && !isText {
			return fmt.Errorf("%s must be a string", name)
		}
		if c.text(name) == "" {
			return fmt.Errorf("%s is required", name)
		}
	}
	return nil
}

func (c *call) trainingRequest() error {
	if err := c.wanted("instance_prompt", "class_prompt"); err != nil {
		return err
	}
	images, _ := c.fields["images"].([]any)
	if len(images) == 0 {
		return fmt.Errorf("images is required: an array of links")
	}
	for i := range images {
		link, _ := images[i].(string)
		if !strings.HasPrefix(link, "https://") && !strings.HasPrefix(link, "http://") {
			return fmt.Errorf("images.%d must be a link", i)
		}
	}
	// The specification says women where the page says female; "null" is for objects.
	if err := c.oneOf("training_type", true, "men", "women", "female", "couple", "null"); err != nil {
		return err
	}
	if err := c.oneOf("base_model_type", false, "normal", "sdxl"); err != nil {
		return err
	}
	if err := c.oneOf("lora_type", false, "lora", "lycoris"); err != nil {
		return err
	}
	// Both numbers are strings.
	steps, isText := c.fields["max_train_steps"].(string)
	if n, err := strconv.Atoi(steps); !isText || err != nil || n < 10 || n > 50 {
		return fmt.Errorf("max_train_steps must be a string with a number between 10 and 50")
	}
	if seed, isText := c.fields["seed"].(string); c.has("seed") {
		if _, err := strconv.ParseInt(seed, 10, 64); !isText || err != nil {
			return fmt.Errorf("seed must be a string with a number")
		}
	}
	return nil
}

// training finds the one that the path names.
func (s *Server) training(c *call) (*training, answer, bool) {
	a, refusal, refused := s.trainer(c)
	if refused {
		return nil, refusal, true
	}
	t := s.kept.trainings[c.params["training_id"]]
	if t == nil || t.account != a {
		return nil, trainingError(http.StatusNotFound, "No training found for id %s", c.params["training_id"]), true
	}
	return t, answer{}, false
}

// step counts the states that a training has left behind; they share its time alike.
func (t *training) step(now time.Time) int {
	last := len(trainingStates()) - 1
	passed := now.Sub(t.created)
	if passed >= t.takes {
		return last
	}
	return int(passed * time.Duration(last) / t.takes)
}

func (t *training) over(now time.Time) bool {
	return t.cancelled || !now.Before(t.created.Add(t.takes))
}

func (s *Server) trainingStatus(c *call) answer {
	t, refusal, refused := s.training(c)
	if refused {
		return refusal
	}
	switch {
	case t.cancelled:
		return trainingAnswer(trainingCancelled, "The training was cancelled.")
	case t.over(c.now) && s.services.trainingOutcome != GenerationSucceeds:
		s.refundTraining(t)
		return bare(http.StatusOK, object{
			"status": string(s.services.trainingOutcome), "messege": trainingFailed, "data": "The training failed.",
		})
	}
	done := t.step(c.now)
	states := trainingStates()
	lines := make([]string, done+1)
	for i := range lines {
		lines[i] = fmt.Sprintf("Step:%d %s, %d Steps to go", i+1, states[i], len(states)-1-i)
	}
	return trainingAnswer(states[done], strings.Join(lines, "\n"))
}

// refundTraining gives the price back, once.
func (s *Server) refundTraining(t *training) {
	if t.refunded || t.cost == 0 {
		return
	}
	t.refunded = true
	s.credit(t.account, t.cost, movement{source: "api", id: t.id, usecase: "refund", description: "Failed training"})
	for i := range t.account.usage {
		if u := &t.account.usage[i]; u.id == t.usage {
			u.Status, u.Cents = "failed", 0
		}
	}
}

func (s *Server) listTrainings(c *call) answer {
	a, refusal, refused := s.trainer(c)
	if refused {
		return refusal
	}
	ids := []string{}
	for _, t := range s.trainingsOf(a) {
		ids = append(ids, t.id)
	}
	return bare(http.StatusOK, object{"status": "success", "messege": "model list", "data": ids})
}

// trainingsOf are the account's, oldest first.
func (s *Server) trainingsOf(a *account) []*training {
	var list []*training
	for _, t := range s.kept.trainings {
		if t.account == a {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(x, y *training) int { return int(x.number - y.number) })
	return list
}

func (s *Server) deleteTraining(c *call) answer {
	t, refusal, refused := s.training(c)
	if refused {
		return refusal
	}
	delete(s.kept.trainings, t.id)
	return trainingAnswer("model deleted", "")
}

func (s *Server) cancelTraining(c *call) answer {
	t, refusal, refused := s.training(c)
	if refused {
		return refusal
	}
	if t.over(c.now) {
		return trainingError(http.StatusBadRequest, "The training is over.")
	}
	t.cancelled = true
	return trainingAnswer(trainingCancelled, "")
}
