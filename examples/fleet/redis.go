package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// redisServer is one of the program's own.
type redisServer struct {
	url  string
	stop func()
}

// startRedis runs a redis-server that writes each change to the disk before it answers.
func startRedis(ctx context.Context) (*redisServer, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not on the PATH: install it (apt-get install redis-server, brew install redis), or name one that runs with -redis")
	}
	dir, err := os.MkdirTemp("", "modelslab-fleet-")
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		s, err := runRedis(ctx, path, dir)
		if err == nil {
			return s, nil
		}
		if try == 3 || ctx.Err() != nil { // somebody may have taken the port
			_ = os.RemoveAll(dir)
			return nil, err
		}
	}
}

func runRedis(ctx context.Context, path, dir string) (*redisServer, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, "--port", port, "--bind", "127.0.0.1", "--dir", dir, //nolint:gosec // found on the PATH
		"--save", "", "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	s := &redisServer{url: "redis://127.0.0.1:" + port, stop: sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		<-exited
		_ = os.RemoveAll(dir)
	})}
	for deadline := time.Now().Add(10 * time.Second); ; {
		select {
		case <-exited:
			return nil, fmt.Errorf("redis-server has ended: %s", lastLine(log.String()))
		default:
		}
		if answers(ctx, "127.0.0.1:"+port) {
			return s, nil
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil || time.Now().After(deadline) {
			s.stop()
			return nil, errors.Join(err, errors.New("redis-server does not answer"))
		}
	}
}

func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// answers asks without a client, which would log that nobody is there yet.
func answers(ctx context.Context, addr string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }() // it has been read
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	answer := make([]byte, len("+PONG"))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	_, err = io.ReadFull(conn, answer)
	return err == nil && string(answer) == "+PONG"
}

func lastLine(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return lines[len(lines)-1]
}

// forget takes away what a run in the sandbox has left on a server.
func forget(ctx context.Context, url, prefix string) {
	at, err := goredis.ParseURL(url)
	if err != nil {
		return
	}
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	server := goredis.NewClient(at)
	defer func() { _ = server.Close() }()
	for keys := server.Scan(ctx, 0, prefix+"*", 1000).Iterator(); keys.Next(ctx); {
		_ = server.Del(ctx, keys.Val()).Err() // if it cannot, they are nobody's
	}
}
