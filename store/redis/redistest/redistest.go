// Package redistest runs a real redis-server for a test: a process of its own, on a
// free port of the loopback, that is killed and started again as the test likes.
package redistest

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// patience is how long a server may take to answer.
const patience = 20 * time.Second

// Server is a redis-server that lives no longer than the test.
type Server struct {
	Addr string // host:port

	t      testing.TB
	port   string
	args   []string
	cmd    *exec.Cmd
	out    *output
	exited chan struct{}
	client *redis.Client
}

// Start runs redis-server, which keeps an append-only file in a folder of the test's
// and writes each change to the disk before it answers. args come after the usual
// ones, and count for more: "--maxmemory", "10mb". Without a redis-server on the PATH
// the test fails.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	_, err := exec.LookPath("redis-server")
	require.NoError(t, err, "these tests run a real redis-server: install it with apt-get install redis-server, or brew install redis")
	s := &Server{t: t}
	dir := t.TempDir()
	t.Cleanup(s.Kill)
	for try := 0; ; try++ {
		s.port = freePort(t)
		s.Addr = net.JoinHostPort("127.0.0.1", s.port)
		s.args = append([]string{
			"--port", s.port, "--bind", "127.0.0.1", "--dir", dir,
			"--save", "", "--appendonly", "yes", "--appendfsync", "always",
		}, args...)
		if err := s.run(); err == nil {
			return s
		} else if try == 3 || !bytes.Contains(s.out.bytes(), []byte("Address already in use")) {
			require.NoError(t, err, "%s", s.out.bytes())
		}
	}
}

// freePort is a port that was free a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// run starts the process and waits until it has loaded what it kept.
func (s *Server) run() error {
	s.cmd = exec.CommandContext(context.Background(), "redis-server", s.args...) //nolint:gosec // a test's own arguments
	s.out, s.exited = &output{}, make(chan struct{})
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if err := s.cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func(cmd *exec.Cmd, exited chan struct{}) {
		ended <- cmd.Wait()
		close(exited)
	}(s.cmd, s.exited)

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	probe := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = probe.Close() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			return &exec.Error{Name: "redis-server", Err: err}
		case <-tick.C:
			if conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr); err != nil {
				continue // go-redis would log it
			} else if err := conn.Close(); err != nil {
				return err
			}
			if err := probe.Ping(ctx).Err(); err == nil || redis.HasErrorPrefix(err, "NOAUTH") {
				return nil
			}
		}
	}
}

// Client is a client of the server with go-redis' defaults. It is closed with the test.
func (s *Server) Client() *redis.Client {
	if s.client == nil {
		s.client = s.NewClient()
	}
	return s.client
}

// NewClient is another client, with connections of its own.
func (s *Server) NewClient() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Kill ends the server at once, with no time to write anything.
func (s *Server) Kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// Restart kills the server and starts it again on its port, with what it kept.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	require.NoError(s.t, s.run(), "%s", s.out.bytes())
}

// output is what the server says.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(p)
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.all.Bytes())
}
