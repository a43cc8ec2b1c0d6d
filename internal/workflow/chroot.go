package workflow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/session"
)

// ChrootOrder says what to run inside a system.
type ChrootOrder struct {
	Mount   MountOrder
	Command []string // empty for root's shell
	Umount  bool     // take the system down afterwards
}

// ChrootReport says how it ended.
type ChrootReport struct {
	Mount  *MountReport  // nil when the system was mounted already
	Umount *UmountReport // nil unless asked for
	Status int           // exit status of the command, 128+n when signal n ended it
}

// Chroot runs a command inside a system, which it mounts first if it is not
// mounted.
func (w *Work) Chroot(ctx context.Context, o ChrootOrder, before func(*MountReport)) (*ChrootReport, error) {
	report := &ChrootReport{}
	target, err := w.standingTarget(ctx, o.Mount)
	if err != nil {
		return nil, err
	}
	if target == "" {
		if report.Mount, err = w.Mount(ctx, o.Mount); err != nil {
			return report, err
		}
		target = report.Mount.Target
		if w.rootMissing(report.Mount) {
			return report, fmt.Errorf("cannot enter the system: its root is not mounted")
		}
	}
	if before != nil {
		before(report.Mount)
	}
	report.Status, err = w.attach(ctx, target, o.Command)
	if o.Umount {
		var down error
		report.Umount, down = w.Umount(context.WithoutCancel(ctx), false)
		err = errors.Join(err, down)
	}
	return report, err
}

func (w *Work) rootMissing(r *MountReport) bool { return r.Graph.MountAt(r.Target) == nil }

// standingTarget gives the target when the system that is asked for is mounted
// and complete, so that there is nothing to mount.
func (w *Work) standingTarget(ctx context.Context, o MountOrder) (string, error) {
	if o.System != "" || o.Network {
		return "", nil // mount compares, and adds what is missing
	}
	st, err := w.Status(ctx)
	if err != nil || st.Condition != session.Standing {
		return "", err
	}
	if o.Target != "" && path.Clean(o.Target) != st.Target {
		return "", nil
	}
	return st.Target, nil
}

func (w *Work) attach(ctx context.Context, target string, command []string) (int, error) {
	if len(command) == 0 {
		command = []string{w.shell(target), "-l"}
	}
	status, err := w.Machine.Attach(ctx, machine.Cmd{Program: command[0], Args: command[1:], Root: target})
	if err != nil {
		return status, fmt.Errorf("cannot run %s inside %s: %w", command[0], target, err)
	}
	return status, nil
}

// shell is root's shell by the system's own passwd(5), /bin/sh if that is not
// there.
func (w *Work) shell(target string) string {
	tree, err := w.Machine.Tree(target)
	if err != nil {
		return "/bin/sh"
	}
	defer tree.Close()
	f, err := tree.Open("etc/passwd")
	if err != nil {
		return "/bin/sh"
	}
	defer f.Close()
	var data bytes.Buffer
	if _, err := data.ReadFrom(f); err != nil {
		return "/bin/sh"
	}
	for line := range strings.Lines(data.String()) {
		field := strings.Split(strings.TrimSpace(line), ":")
		if len(field) == 7 && field[2] == "0" && path.IsAbs(field[6]) {
			if there, err := tree.Open(strings.TrimPrefix(field[6], "/")); err == nil {
				there.Close()
				return field[6]
			}
		}
	}
	return "/bin/sh"
}
