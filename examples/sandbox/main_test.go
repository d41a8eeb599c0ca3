package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServesUntilInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-no-limits"}, in)
		_ = in.Close() // a pipe's end closes always
	}()
	lines := bufio.NewScanner(out)
	next := func(with string) string {
		for lines.Scan() {
			if strings.Contains(lines.Text(), with) {
				return lines.Text()
			}
		}
		require.Fail(t, "no such line", with)
		return ""
	}
	url := strings.TrimPrefix(next("MODELSLAB_BASE_URL="), "export MODELSLAB_BASE_URL=")
	next("text2img")

	answered := make(chan int, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, "POST", url+"/api/agents/v1/auth/signup", strings.NewReader(`{"email":"a@example.com","password":"longenough"}`))
		if err != nil {
			answered <- 0
			return
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			answered <- 0
			return
		}
		answered <- resp.StatusCode
		_ = resp.Body.Close() // read or not, the test is about the log
	}()
	assert.Contains(t, next("/auth/signup"), "201")
	assert.Contains(t, next("mail to"), "a@example.com")
	assert.Equal(t, http.StatusCreated, <-answered)

	interrupt()
	require.NoError(t, <-ended)
}

func TestRefusesToBeReachableFromElsewhere(t *testing.T) {
	require.ErrorContains(t, run(t.Context(), []string{"-addr", "0.0.0.0:8085"}, io.Discard), "loopback")
	require.Error(t, run(t.Context(), []string{"extra"}, io.Discard))
}
