// Package live is the init of the rescue system: what the salvor program does when the
// kernel starts it as /init of a rescue image.
//
// The chief is PID 1. It starts the worker, reaps whatever ends, passes on how the system
// is to end, and has the kernel end it; it does so little that it does not fail. The
// worker, a second process of the same program, brings the system up: it mounts what the
// kernel shows, starts udev, loads drivers, reaches the network, starts sshd, and keeps a
// session on every console: the greeting, which says what machine this is and what can
// be done, and below it a shell. The closer, a third process, takes it down. An Ending is how
// the system ends: powered off, restarted, or halted. Why these are three processes is in
// docs/rescue.md.
//
// The package opens, unlocks and mounts nothing of the machine's own disks, switches on no
// swap, and decides nothing about them; commands do that, when somebody types them.
package live
