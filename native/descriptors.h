#pragma once

namespace wormhole {

struct Environment;

// The process-wide table of which environment owns which descriptor. A descriptor in it is open, and only its
// owner can close it or give it up: so a number that the kernel has since given to other code is never closed,
// and no two objects own the same one.

// Takes ownership: 0, -EEXIST (owned already) or another negative errno.
int Own(Environment* owner, int fd);
// Takes ownership of a number that the kernel has just returned. If the table has an owner, other code closed
// the number without this library, and the owner loses it.
void OwnFresh(Environment* owner, int fd);
// Takes ownership and sets close-on-exec; if that fails, nothing changes.
int Adopt(Environment* owner, int fd);
// Gives it up without closing it: 0 or -EBADF.
int Disown(Environment* owner, int fd);
// Closes it: 0, or -EBADF if `owner` does not own it.
int CloseOwned(Environment* owner, int fd);
// Closes all that `owner` has, at the end of the environment.
void CloseAll(Environment* owner);

}  // namespace wormhole
