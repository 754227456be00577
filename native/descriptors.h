#pragma once

namespace wormhole {

struct Environment;

// Which environment owns which descriptor, for the whole process. A descriptor in this table is open,
// and only its owner can close or give it up: so a number that the kernel has given to somebody else
// meanwhile is never closed, and no two objects own the same one.

// The result is 0, -EEXIST (owned already) or another negative errno.
int Own(Environment* owner, int fd);
// Owns a number that the kernel has just given us. An owner that is in the table had its number closed behind
// our back, and has lost it.
void OwnFresh(Environment* owner, int fd);
// Own, with close-on-exec on. As before where that fails.
int Adopt(Environment* owner, int fd);
// Gives it up without closing it: 0 or -EBADF.
int Disown(Environment* owner, int fd);
// Closes it: 0 or -EBADF when `owner` does not own it.
int CloseOwned(Environment* owner, int fd);
// Closes all that `owner` has: the environment is going.
void CloseAll(Environment* owner);

}  // namespace wormhole
