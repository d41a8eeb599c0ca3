package sandbox

// The places of the services beside the media jobs.
const (
	llmBase        = "/api/v7/llm"
	workflowsBase  = "/api/v1/workflows"
	enterpriseBase = "/api/v1/enterprise"
)

// otherGenerationRoutes are the generation API's services that make no media: chat,
// training, workflows, models and dedicated servers.
func otherGenerationRoutes() []route {
	routes := []route{
		{"chat.completions", "POST", llmBase + "/chat/completions", "", "", open, !keyed, (*Server).completeChat},
		{"chat.messages", "POST", llmBase + "/v1/messages", "", "", open, !keyed, (*Server).createMessage},
		{"chat.count_tokens", "POST", llmBase + "/v1/messages/count_tokens", "", "", open, !keyed, (*Server).countTokens},
		{"chat.models", "GET", llmBase + "/v1/models", "", "", open, !keyed, (*Server).chatModels},

		{"training.lora_fine_tune", "POST", "/api/v3/lora_fine_tune", "", "", open, !keyed, (*Server).train},
		{"training.status", "POST", "/api/v3/fine_tune_status/{training_id}", "", "", open, !keyed, (*Server).trainingStatus},
		{"training.list", "POST", "/api/v3/finetune_list", "", "", open, !keyed, (*Server).listTrainings},
		{"training.delete", "POST", "/api/v3/finetune/delete/{training_id}", "", "", open, !keyed, (*Server).deleteTraining},
		// The documentation spells it in two ways; a server of one of them is made by
		// WithoutRoute.
		{"training.cancel", "POST", "/api/v3/cancel_training/{training_id}", "", "", open, !keyed, (*Server).cancelTraining},
		{"training.cancel_by_page", "POST", "/api/v3/cancle_training/{training_id}", "", "", open, !keyed, (*Server).cancelTraining},

		{"workflows.list", "GET", workflowsBase, "", "", open, !keyed, (*Server).listWorkflows},
		{"workflows.get", "GET", workflowsBase + "/{workflow_id}", "", "", open, !keyed, (*Server).getWorkflow},
		{"workflows.run", "POST", workflowsBase + "/{workflow_id}/run", "", "", open, !keyed, (*Server).runWorkflow},
		{"workflows.execution", "GET", workflowsBase + "/{workflow_id}/runs/{execution_id}", "", "", open, !keyed, (*Server).workflowExecution},
		{"workflows.cancel", "POST", workflowsBase + "/{workflow_id}/runs/{execution_id}/cancel", "", "", open, !keyed, (*Server).cancelWorkflow},

		{"model_search.search", "GET", "/api/v6/model-search", "", "", open, !keyed, byQueryKey((*Server).searchModels)},
		{"model_search.filters", "GET", "/api/v6/model-search/filters", "", "", open, !keyed, byQueryKey((*Server).modelFilters)},
		{"model_search.tags", "GET", "/api/v6/model-search/tags", "", "", open, !keyed, byQueryKey((*Server).modelTags)},
		{"model_search.providers", "GET", "/api/v6/model-search/providers", "", "", open, !keyed, byQueryKey((*Server).modelProviders)},
		{"model_search.get", "GET", "/api/v6/model-search/{modelId}", "", "", open, !keyed, byQueryKey((*Server).getModel)},
		{"model_search.search_v7", "GET", "/api/v7/models", "", "", open, !keyed, byQueryKey((*Server).searchModels)},
		{"model_ops.list", "POST", "/api/v4/dreambooth/model_list", "", "", open, !keyed, (*Server).listPublicModels},
		{"model_ops.load", "POST", "/api/v3/load_model", "", "", open, !keyed, (*Server).loadModel},
		{"model_ops.reload", "POST", "/api/v6/images/model_reload", "", "", open, !keyed, (*Server).reloadModel},
	}
	for i := range routes {
		routes[i].surface = SurfaceGeneration
	}
	return append(routes, serverRoutes()...)
}

// serverRoutes are those of the dedicated servers. The one for images has no name in its
// path.
func serverRoutes() []route {
	routes := []route{
		{"servers.load_model", "POST", "/load_model", "", "", open, !keyed, (*Server).loadServerModel},
		{"servers.load_model_v2", "POST", "/load_model_v2", "", "", open, !keyed, (*Server).loadServerModelV2},
		{"servers.load_vae", "POST", "/load_vae", "", "", open, !keyed, (*Server).loadServerVAE},
		{"servers.verify_model", "POST", "/verify_model", "", "", open, !keyed, (*Server).verifyServerModel},
		{"servers.get_all_models", "POST", "/get_all_models", "", "", open, !keyed, (*Server).serverModels},
		{"servers.delete_model", "POST", "/delete_model", "", "", open, !keyed, (*Server).deleteServerModel},
		{"servers.sync_models", "POST", "/sync_models", "", "", open, !keyed, (*Server).syncServerModels},
		{"servers.schedulers_list", "POST", "/schedulers_list", "", "", open, !keyed, (*Server).serverSchedulers},
		{"servers.update_s3", "POST", "/update_s3", "", "", open, !keyed, (*Server).updateStorage},
		{"servers.reset_s3", "POST", "/reset_s3", "", "", open, !keyed, (*Server).resetStorage},
	}
	for _, m := range []struct {
		action string
		handle func(*Server, *call) answer
	}{
		{"restart_server", (*Server).restartServer},
		{"update_server", (*Server).updateServer},
		{"system_details", (*Server).serverDetails},
		{"clear_cache", (*Server).clearServerCache},
		{"clear_queue", (*Server).clearServerQueue},
	} {
		routes = append(routes,
			route{name: "servers." + m.action, method: "POST", path: "/{server}/" + m.action, handle: m.handle},
			route{name: "servers." + m.action + "_images", method: "POST", path: "/" + m.action, handle: m.handle})
	}
	routes = append(routes,
		route{name: "servers.fetch", method: "POST", path: "/{server}/fetch/{id}", handle: (*Server).fetchFromServer},
		route{name: "servers.fetch_images", method: "POST", path: "/fetch", handle: (*Server).fetchFromServer})
	// The last ones, for they match the paths of all management too.
	routes = append(routes,
		route{name: "servers.run_images", method: "POST", path: "/{action}", handle: (*Server).runOnServer},
		route{name: "servers.run", method: "POST", path: "/{server}/{action}", handle: (*Server).runOnServer})
	for i := range routes {
		routes[i].path, routes[i].surface = enterpriseBase+routes[i].path, SurfaceGeneration
	}
	return routes
}
