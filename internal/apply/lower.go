package apply

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/storage"
	"salvor/internal/tool"
)

// Lower gives the actions that carry op out, in order. An error says that op
// cannot be carried out as it stands.
func Lower(op plan.Op, env Env) ([]Action, error) {
	switch o := op.(type) {
	case plan.StartArray:
		a := tool.Array{Device: o.Device, UUID: o.UUID, Members: o.Members, ReadOnly: o.ReadOnly, Degraded: o.Degraded}
		acts := opened(env, RunCmd{tool.AssembleArray(a)}, o.Device)
		if o.Held != "" {
			acts = append([]Action{RunCmd{tool.StopArray(o.Held)}}, acts...)
		}
		return acts, nil
	case plan.StopArray:
		return []Action{RunCmd{tool.StopArray(o.Device)}}, nil
	case plan.ActivateLV:
		v := tool.LV{VG: o.VG, Name: o.LV, Devices: o.PVs, ReadOnly: o.ReadOnly, Degraded: o.Degraded, Udev: env.Udev}
		return opened(env, RunCmd{tool.ActivateLV(v)}, o.Device), nil
	case plan.DeactivateLV:
		v := tool.LV{VG: o.VG, Name: o.LV, Devices: o.PVs, Udev: env.Udev}
		return []Action{RunCmd{tool.DeactivateLV(v)}}, nil
	case plan.Unlock:
		return lowerUnlock(o, env)
	case plan.Lock:
		return []Action{RunCmd{tool.CloseCrypt(o.MapName)}}, nil
	case plan.RenameMap:
		return opened(env, RunCmd{tool.RenameMap(o.From, o.To, env.Udev)}, storage.DMPath(o.To)), nil
	case plan.AddOverlay:
		return opened(env, AddCow{o.Device, o.MapName, o.Size, env.Udev}, storage.DMPath(o.MapName)), nil
	case plan.RemoveOverlay:
		return []Action{RemoveCow{o.MapName, env.Udev}}, nil
	case plan.Freeze:
		return []Action{SetReadOnly{o.Device, true}}, nil
	case plan.Thaw:
		return []Action{SetReadOnly{o.Device, false}}, nil
	case plan.Mount:
		a, err := lowerMount(o)
		return []Action{a}, err
	case plan.Unmount:
		return []Action{Unmount{o.Mount.Point, o.Mount.Dev}}, nil
	default:
		return lowerKernel(op, env)
	}
}

// lowerKernel lowers what may need a module of the kernel first.
func lowerKernel(op plan.Op, env Env) ([]Action, error) {
	switch o := op.(type) {
	case plan.AttachImage:
		return lowerAttach(o, env), nil
	case plan.DetachImage:
		return lowerDetach(o, env), nil
	case plan.StartMultipath:
		if len(o.Wires) == 0 {
			return nil, fmt.Errorf("internal error: no wire of %s is known", o.ID)
		}
		acts := module(env.Multipath, "dm-multipath")
		// One wire names the LUN; multipath(8) finds the others.
		acts = append(acts, RunCmd{tool.CreateMultipath(o.Wires[0])})
		return append(settled(env, acts), WaitMultipath{o.WWID}), nil
	case plan.StopMultipath:
		return []Action{RunCmd{tool.RemoveMultipath(o.Device)}}, nil
	case plan.StartBcache:
		return lowerBcache(o, env)
	case plan.StopBcache:
		return []Action{StopBcache{path.Base(o.Device)}}, nil
	default:
		return nil, fmt.Errorf("internal error: there are no hands for the operation %s", op.Name())
	}
}

func lowerBcache(o plan.StartBcache, env Env) ([]Action, error) {
	if len(o.Devices) == 0 {
		return nil, fmt.Errorf("internal error: no device of %s is known", o.ID)
	}
	acts := module(env.Bcache, "bcache")
	for _, d := range o.Devices {
		acts = append(acts, RegisterBcache{d})
	}
	return append(settled(env, acts), WaitBcache{Backing: o.Devices[len(o.Devices)-1], Device: o.Device}), nil
}

// opened is what opens a device, and the wait for its node.
func opened(env Env, open Action, device string) []Action {
	return append(settled(env, []Action{open}), WaitDevice{device})
}

func settled(env Env, acts []Action) []Action {
	if env.Udev {
		acts = append(acts, RunCmd{tool.Settle()})
	}
	return acts
}

func module(loaded bool, name string) []Action {
	if loaded {
		return nil
	}
	return []Action{RunCmd{tool.LoadModule(name)}}
}

// lowerMount makes the request of a mount: what goes to the kernel is the device
// and the subvolume that the plan resolved, never the text of an fstab.
func lowerMount(o plan.Mount) (Action, error) {
	m := o.Mount
	r := machine.MountRequest{Type: m.Type, Options: slices.Clone(m.Options), ReadOnly: m.ReadOnly, Root: o.Root, Point: m.Point}
	if o.Root != "" {
		if !storage.PathContains(o.Root, m.Point) {
			return nil, fmt.Errorf("internal error: the mount point %s is not in the target %s", m.Point, o.Root)
		}
		r.Point = path.Join("/", strings.TrimPrefix(path.Clean(m.Point), path.Clean(o.Root)))
	}
	r.Subtree = o.Subtree
	subvolume := strings.Trim(strings.TrimSuffix(strings.Trim(m.Root, "/"), o.Subtree), "/")
	switch {
	case m.Bind != "":
		r.Bind, r.Type = m.Bind, ""
		r.Recursive = m.Type == "rbind" || slices.Contains(r.Options, "rbind")
		r.Options = without(r.Options, "bind", "rbind")
	case m.Source == "":
		r.Virtual = cmp.Or(m.Remote, m.Type)
	case m.Type == "btrfs" && m.Root != "":
		r.Device = o.Device
		r.Options = append(without(r.Options, "subvol", "subvolid"), "subvol=/"+subvolume)
	case subvolume != "":
		return nil, fmt.Errorf("internal error: %s has no subvolumes, and the root %s of it is to be mounted", m.Type, m.Root)
	default:
		r.Device = o.Device
	}
	return Mount{Request: r, At: m.Point, Subvolume: m.Root, Make: o.Root == "" || path.Clean(o.Root) == path.Clean(m.Point)}, nil
}

// without drops the options of these names, whatever their values.
func without(options []string, names ...string) []string {
	return slices.DeleteFunc(options, func(o string) bool {
		name, _, _ := strings.Cut(o, "=")
		return slices.Contains(names, name)
	})
}
