package drill

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"salvor/internal/machine"
)

// vm is QEMU at work.
type vm struct {
	console *console
	began   time.Time
	cancel  context.CancelFunc
	ended   chan struct{}
	err     error // how QEMU ended, once it has
}

// start starts QEMU, which then connects its serial line to a socket of ours in dir: so there
// is no moment at which it would have to be waited for without a sign. The VM ends with ctx.
func start(ctx context.Context, q *qemu, dir string, args ...string) (*vm, error) {
	socket := filepath.Join(dir, "console")
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("cannot make the virtual machine's console: %w", err)
	}
	defer l.Close() // which takes the socket away
	ctx, cancel := context.WithCancel(ctx)
	v := &vm{began: q.m.Now(), cancel: cancel, ended: make(chan struct{})}
	all := append(q.ground(), "-chardev", "socket,id=console,path="+escape(socket), "-serial", "chardev:console")
	go func() {
		_, v.err = q.m.Run(ctx, machine.Cmd{Program: q.program, Args: append(all, args...)})
		close(v.ended)
		l.Close() // nobody will connect
	}()
	conn, err := l.Accept()
	if err != nil {
		v.end()
		return nil, fmt.Errorf("cannot start the virtual machine: %w", errors.Join(v.err, ctx.Err()))
	}
	v.console = listen(conn)
	return v, nil
}

// end pulls the plug, and waits until nothing is left.
func (v *vm) end() {
	v.cancel()
	<-v.ended
	if v.console != nil {
		v.console.close()
	}
}

// off waits until the machine has switched itself off.
func (v *vm) off(ctx context.Context) error {
	select {
	case <-v.ended:
		return v.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
