package moneytest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The sizes of the tests.
var (
	seedFlag   = flag.Uint64("seed", 0, "draw what an earlier run with this seed has drawn; 0 draws anew")
	crashes    = flag.Int("crashes", 0, "how many processes are killed with each store; 0: one at each point and ten at random")
	minutes    = flag.Duration("minutes", 12*time.Second, "how long the fleet tries to break the limiter")
	operations = flag.Int("operations", 300, "how many operations the chaos has")
)

// childVariable is set in the processes that work and are killed.
const childVariable = "MONEYTEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// drawn says which seed a test has.
func drawn(t *testing.T) uint64 {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed: -run '^%s$' -seed=%d", t.Name(), seed)
	return seed
}

// die draws for one part of a test, whatever the others do.
func die(seed uint64, part int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(part)))
}

// pick draws one of several.
func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// process is a child of the test that does a job.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	ready chan struct{} // closed: it has begun
	done  chan struct{} // closed: it has ended, and all of its reports were heard

	err    error // of its end
	errs   bytes.Buffer
	ended  report // what it says at its end
	killed bool   // by itself or by the test
}

// start runs a child. hear gets its reports, one after the other.
func start(t testing.TB, j *job, hear func(report)) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	p := &process{cmd: exec.Command(self), ready: make(chan struct{}), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVariable+"=1")
	p.cmd.Stderr = &p.errs
	p.in, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() { _ = json.NewEncoder(p.in).Encode(j) }() // it may be dead before it has read all
	go p.listen(out, hear)
	t.Cleanup(p.kill)
	return p
}

func (p *process) listen(out io.Reader, hear func(report)) {
	defer close(p.done)
	begun := sync.OnceFunc(func() { close(p.ready) })
	defer begun()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r report
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue // it died in the middle of a word
		}
		switch r.Outcome {
		case begins:
			begun()
		case ends:
			p.ended = r
		default:
			hear(r)
		}
	}
	p.err = p.cmd.Wait()
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok {
		p.killed = status.Signaled() && status.Signal() == syscall.SIGKILL
	}
	_ = p.in.Close()
}

// kill ends the process in the middle of whatever it does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
}

// suspend stops the process in the middle of whatever it does, as a laptop does that is
// closed. It goes on when it is woken, later.
func (p *process) suspend() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) }

func (p *process) wake(ahead time.Duration) {
	_ = json.NewEncoder(p.in).Encode(ahead)
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
}

// alive reports whether it has not ended yet.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// wait checks that it ended well, or was killed.
func (p *process) wait(t testing.TB, within time.Duration) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(within):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // it shows where it hangs
		<-p.done
		require.Fail(t, "a process does not end", "%s", p.errs.String())
	}
	if !p.killed {
		require.NoError(t, p.err, "%s", p.errs.String())
	}
}

// child is the other side: a process that does what it is told.
func child(in io.Reader, out io.Writer) int {
	words := json.NewDecoder(in)
	var j job
	if err := words.Decode(&j); err != nil {
		fmt.Fprintln(os.Stderr, "what to do:", err)
		return 2
	}
	s, err := openStore(j.Store, j.Ahead)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer s.close()
	go func() {
		var ahead time.Duration
		for words.Decode(&ahead) == nil {
			s.ahead.Store(int64(ahead))
		}
		os.Exit(3) // nobody listens any more
	}()
	var mu sync.Mutex
	tell := func(r report) {
		line, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if _, err := out.Write(append(line, '\n')); err != nil {
			os.Exit(3)
		}
	}
	w, err := newWorker(&j, s, tell)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	tell(report{Outcome: begins})
	w.work(context.Background())
	tell(report{Outcome: ends, Passed: w.passed()})
	return 0
}
