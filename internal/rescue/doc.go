// Package rescue makes the rescue image: the small system that a machine is started with
// when its own does not start.
//
// Its nouns: the root is the tree that an image is made from, most often that of the running
// machine; a Kernel is one that was found in it. Facts are what is known of the machine, a
// Choice is what somebody chose, and a Spec what follows from both: what the image is to
// hold, by name. The Manifest lists every file of the image with the reason why it is there;
// an Entry is one of them, a Group says how large a part of it is, and a Missing is what
// something in the image needs and the root does not have. Programs bring along the
// libraries that their loader will look for and their companions, which are what they
// open or run by themselves; scripts bring their interpreters, kernel modules those that
// they need and the firmware that they load. A Member is a file of a finished image. An
// Auditor looks for secrets in either; a Finding is one.
//
// Making a manifest only reads, and runs nothing of the root. The package looks for no
// hardware and asks no machine. It writes the archive that the kernel unpacks; media that
// machines start from are made of it by package medium, and what runs in it is package live.
package rescue
