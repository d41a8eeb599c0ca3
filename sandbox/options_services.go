package sandbox

import "time"

// serviceSettings are those of chat, training and workflows.
type serviceSettings struct {
	chatCut         int // events until a stream breaks off; negative: never
	chatStreamError int // events until a stream tells an error; negative: never
	trainingTime    time.Duration
	trainingOutcome GenerationOutcome
	workflowHook    string
	workflowVariant WorkflowWebhook
}

func defaultServiceSettings() serviceSettings {
	return serviceSettings{
		chatCut: -1, chatStreamError: -1,
		trainingTime: 3 * time.Second, trainingOutcome: GenerationSucceeds,
	}
}

// serviceState is what the services remember.
type serviceState struct {
	trainings  map[string]*training
	executions map[int64]*execution
	runs       map[string]*workflowUse // by account and workflow
	loaded     []loadedModel           // by load_model, oldest first
	dedicated  map[int64]*dedicated    // by account
}

func newServiceState() serviceState {
	return serviceState{
		trainings:  map[string]*training{},
		executions: map[int64]*execution{},
		runs:       map[string]*workflowUse{},
		dedicated:  map[int64]*dedicated{},
	}
}

// WithChatCut closes the connection in the middle of every stream of chat, after n of its
// events.
func WithChatCut(n int) Option { return func(s *settings) { s.services.chatCut = n } }

// WithChatStreamError ends every stream of chat after n of its events with an event that
// holds an error: {"error":{...}} for completions, an event named error for messages.
func WithChatStreamError(n int) Option { return func(s *settings) { s.services.chatStreamError = n } }

// WithTrainingTime sets how long a training takes, through all its states, by the server's
// clock. The default is 3 s; 0 finishes it at once.
func WithTrainingTime(d time.Duration) Option {
	return func(s *settings) { s.services.trainingTime = d }
}

// WithTrainingOutcome chooses how trainings end. The default is [GenerationSucceeds]. The
// documentation lists no state for a failure: the sandbox's word is training_failed, with
// the status that the outcome is named after, "failed" or "error".
func WithTrainingOutcome(o GenerationOutcome) Option {
	return func(s *settings) { s.services.trainingOutcome = o }
}

// WorkflowWebhook is one of the two payloads that are documented for workflows.
type WorkflowWebhook string

// The payloads of workflows.
const (
	WorkflowWebhookNested WorkflowWebhook = "nested" // workflow and execution are objects, ids are strings
	WorkflowWebhookFlat   WorkflowWebhook = "flat"   // everything at the top, the execution's id is a number
)

// WithWorkflowWebhook gives the workflows a webhook URL, to which the end of an execution
// is sent.
func WithWorkflowWebhook(url string, payload WorkflowWebhook) Option {
	return func(s *settings) { s.services.workflowHook, s.services.workflowVariant = url, payload }
}
