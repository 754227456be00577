#include <cstdlib>

// gcc 11 and later have containers call this where older ones had nothing to call, and the libstdc++ of the oldest systems
// that Node 20 runs on (glibc 2.28, gcc 8) lacks it. Without exceptions there is one thing that it can do.
namespace std {
[[noreturn]] void __throw_bad_array_new_length() { abort(); }
}  // namespace std
