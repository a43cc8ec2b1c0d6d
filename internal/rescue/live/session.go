package live

import (
	"context"
	"time"
)

// shortSession is how long a shell has to live for another to follow it at once. One that
// fails as it starts would fill the console.
const shortSession = time.Second

// keepSession has a shell on a terminal, again and again, with the greeting above the first
// one and a word above the others. It tells when the first one is there.
func keepSession(ctx context.Context, h host, terminal string, greet func() string, shown func()) {
	for first := true; ctx.Err() == nil; first = false {
		text := greet()
		if !first {
			text = "\nsalvor: a new shell; poweroff or reboot ends the rescue system\n"
		}
		h.Say(terminal, onTerminal(text))
		began := time.Now()
		err := oneSession(h, terminal, shown)
		shown()
		if err != nil {
			h.Say(terminal, onTerminal("salvor: "+err.Error()+"\n"))
		}
		if err == nil && time.Since(began) > shortSession {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * shortSession):
		}
	}
}

// oneSession runs one shell to its end, whatever its status is: that is the last command's.
func oneSession(h host, terminal string, shown func()) error {
	s, err := shellOn(h, terminal)
	if err != nil {
		return err
	}
	c, err := h.Spawn(s)
	if err != nil {
		return err
	}
	shown()
	_, err = c.Wait()
	return err
}
