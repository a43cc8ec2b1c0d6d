package tool

import "path"

// Bcache has no program: it is asked through sysfs (Documentation/admin-guide/
// bcache.rst). These are its files; the value is written by machine.WriteSysfs.

// BcacheRegister takes the path of a cache or backing device. It fails with EINVAL
// for one that is registered already, for instance by a udev rule.
const BcacheRegister = "/sys/fs/bcache/register"

// BcacheStop takes "1" and shuts down the bcache of that kernel name ("bcache0"),
// in the background. What is in the cache only stays there.
func BcacheStop(bcache string) string { return path.Join("/sys/block", bcache, "bcache/stop") }

// BcacheSetStop takes "1" and lets the cache devices of a set go. The file
// "unregister" beside it would write the dirty data back first, which changes disks.
func BcacheSetStop(set string) string { return path.Join("/sys/fs/bcache", set, "stop") }

// BcacheSetLink is a link to the directory of the cache set that a bcache uses;
// it is missing for one without a cache.
func BcacheSetLink(bcache string) string { return path.Join("/sys/block", bcache, "bcache/cache") }

// BcacheLink is a link to the bcache that lies on a backing device of that kernel
// name ("sda1").
func BcacheLink(backing string) string { return path.Join("/sys/class/block", backing, "bcache/dev") }
