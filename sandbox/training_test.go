package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// trainingBody is a request that is in order, with some fields replaced; nil removes one.
func (v *visitor) trainingBody(changes map[string]any) string {
	v.t.Helper()
	body := map[string]any{
		"key": v.apiKey, "instance_prompt": "photo of ambika0 man", "class_prompt": "photo of a man",
		"images": []string{"https://example.com/1.png"}, "training_type": "men", "max_train_steps": "18",
	}
	for name, value := range changes {
		body[name] = value
		if value == nil {
			delete(body, name)
		}
	}
	b, err := json.Marshal(body)
	require.NoError(v.t, err)
	return string(b)
}

// byKey posts a body that holds the key alone.
func (v *visitor) byKey(path string) reply {
	v.t.Helper()
	return v.send("POST", path, `{"key":"`+v.apiKey+`"}`)
}

func (v *visitor) train() string {
	v.t.Helper()
	r := v.send("POST", "/api/v3/lora_fine_tune", v.trainingBody(nil))
	require.Equal(v.t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(v.t, "success", r.at("status"))
	assert.Equal(v.t, "deploying_gpu", r.at("messege"))
	assert.NotEmpty(v.t, r.at("data"))
	return r.at("training_id").(string)
}

func TestATrainingPassesThroughItsStates(t *testing.T) {
	c := newClock()
	v := visitAs(t, 1_50, sandbox.WithClock(c.Now), sandbox.WithTrainingTime(7*time.Minute))
	id := v.train()
	assert.Equal(t, "0.50", v.balance())
	var states []any
	for range 8 {
		r := v.byKey("/api/v3/fine_tune_status/" + id)
		assert.Equal(t, "success", r.at("status"))
		assert.NotEmpty(t, r.at("data"))
		states = append(states, r.at("messege"))
		c.Advance(time.Minute)
	}
	assert.Equal(t, []any{
		"deploying_gpu", "training_started", "training_success", "trained_model_compressing",
		"trained_model_uploading", "trained_model_uploaded", "deploying_model", "model_ready",
	}, states)
	assert.Equal(t, http.StatusBadRequest, v.byKey("/api/v3/cancel_training/"+id).StatusCode, "it is over")
	assert.Equal(t, []any{id}, v.byKey("/api/v3/finetune_list").at("data"))

	poor := v.send("POST", "/api/v3/lora_fine_tune", v.trainingBody(nil))
	assert.Equal(t, http.StatusPaymentRequired, poor.StatusCode)
	assert.Contains(t, poor.at("messege"), "Insufficient credits")

	assert.Equal(t, "success", v.byKey("/api/v3/finetune/delete/"+id).at("status"))
	r := v.byKey("/api/v3/fine_tune_status/" + id)
	assert.Equal(t, http.StatusNotFound, r.StatusCode)
	assert.Equal(t, "error", r.at("status"))
	assert.NotEmpty(t, r.at("messege"))
	assert.Empty(t, v.byKey("/api/v3/finetune_list").at("data"))
}

func TestATrainingIsCancelledUnderBothSpellings(t *testing.T) {
	c := newClock()
	for _, spelling := range []string{"cancel_training", "cancle_training"} {
		v := visitAs(t, 1_00, sandbox.WithClock(c.Now))
		id := v.train()
		assert.Equal(t, "success", v.byKey("/api/v3/"+spelling+"/"+id).at("status"))
		assert.Equal(t, "training_cancelled", v.byKey("/api/v3/fine_tune_status/"+id).at("messege"))
		assert.Equal(t, http.StatusBadRequest, v.byKey("/api/v3/"+spelling+"/"+id).StatusCode)
		assert.Equal(t, http.StatusNotFound, v.byKey("/api/v3/"+spelling+"/none").StatusCode)
	}
	v := visitAs(t, 1_00, sandbox.WithoutRoute("training.cancel"))
	assert.Equal(t, http.StatusNotFound, v.byKey("/api/v3/cancel_training/"+v.train()).StatusCode)
}

func TestATrainingFails(t *testing.T) {
	for _, outcome := range []sandbox.GenerationOutcome{sandbox.GenerationFails, sandbox.GenerationErrs} {
		c := newClock()
		v := visitAs(t, 1_00, sandbox.WithClock(c.Now), sandbox.WithTrainingOutcome(outcome))
		id := v.train()
		assert.Equal(t, "0.00", v.balance())
		c.Advance(3 * time.Second)
		for range 2 {
			r := v.byKey("/api/v3/fine_tune_status/" + id)
			assert.Equal(t, http.StatusOK, r.StatusCode)
			assert.Equal(t, string(outcome), r.at("status"))
			assert.Equal(t, "training_failed", r.at("messege"))
		}
		assert.Equal(t, "1.00", v.balance(), "given back once")
		rows := v.agents("GET", "/usage/history", "").rows(t)
		assert.Equal(t, []any{"failed"}, column(rows, "status"))
		assert.Equal(t, []any{"lora_training"}, column(rows, "type"))
	}
}

func TestTrainingRules(t *testing.T) {
	v := visitAs(t, 1_00)
	for name, values := range map[string][]any{
		"instance_prompt": {nil, "", 5},
		"class_prompt":    {nil},
		"images":          {nil, []string{}, []string{"cat.png"}, "https://example.com/1.png"},
		"training_type":   {nil, "cat"},
		"max_train_steps": {nil, 18, "9", "51", "many"},
		"base_model_type": {"huge"},
		"lora_type":       {"locon"},
		"seed":            {5, "x"},
	} {
		for _, value := range values {
			r := v.send("POST", "/api/v3/lora_fine_tune", v.trainingBody(map[string]any{name: value}))
			assert.Equal(t, http.StatusBadRequest, r.StatusCode, "%s: %v", name, value)
			assert.Contains(t, r.at("messege"), name)
			assert.Equal(t, json.Number("400"), r.at("code"))
		}
	}
	for _, kind := range []string{"women", "female", "couple", "null"} {
		fresh := visitAs(t, 1_00)
		r := fresh.send("POST", "/api/v3/lora_fine_tune", fresh.trainingBody(map[string]any{"training_type": kind}))
		assert.Equal(t, http.StatusOK, r.StatusCode, kind)
	}
	for _, key := range []any{nil, "wrong"} {
		r := v.send("POST", "/api/v3/lora_fine_tune", v.trainingBody(map[string]any{"key": key}))
		assert.Equal(t, http.StatusUnauthorized, r.StatusCode)
		assert.NotEmpty(t, r.at("messege"))
	}
	other := v.beside("other@example.com")
	assert.Equal(t, http.StatusNotFound, other.byKey("/api/v3/fine_tune_status/"+v.train()).StatusCode)
}
