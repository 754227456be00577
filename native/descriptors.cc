#include "descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <unordered_map>

#include "environment.h"
#include "errno.h"

namespace wormhole {
namespace {

std::mutex mutex;
// Never destroyed: worker threads may use it while the process exits.
std::unordered_map<int, Environment*>& owners = *new std::unordered_map<int, Environment*>;

}  // namespace

int Own(Environment* owner, int fd) {
  std::lock_guard<std::mutex> lock(mutex);
  return owners.emplace(fd, owner).second ? 0 : -EEXIST;
}

void OwnFresh(Environment* owner, int fd) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    owners[fd] = owner;
  }
  owner->poller.Forget(fd);
}

int Adopt(Environment* owner, int fd) {
  const int flags = static_cast<int>(Retry([&] { return fcntl(fd, F_GETFD); }));
  if (flags < 0) return flags;
  const int result = Own(owner, fd);
  if (result != 0) return result;
  owner->poller.Forget(fd);
  if (flags & FD_CLOEXEC) return 0;
  const int set = static_cast<int>(Retry([&] { return fcntl(fd, F_SETFD, flags | FD_CLOEXEC); }));
  if (set < 0) Disown(owner, fd);
  return set;
}

int Disown(Environment* owner, int fd) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    const auto found = owners.find(fd);
    if (found == owners.end() || found->second != owner) return -EBADF;
    owners.erase(found);
  }
  owner->poller.Forget(fd);
  return 0;
}

int CloseOwned(Environment* owner, int fd) {
  const int result = Disown(owner, fd);
  // Linux frees the number even if close() fails with EINTR (close(2)), so it is never repeated.
  if (result == 0) close(fd);
  return result;
}

void CloseAll(Environment* owner) {
  std::lock_guard<std::mutex> lock(mutex);
  for (auto entry = owners.begin(); entry != owners.end();) {
    if (entry->second == owner) {
      close(entry->first);
      entry = owners.erase(entry);
    } else {
      ++entry;
    }
  }
}

}  // namespace wormhole
