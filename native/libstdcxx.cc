#include <cstdlib>

// Containers call this if compiled by gcc 11 or later, and the libstdc++ of the oldest systems that Node 20 runs on
// (glibc 2.28, gcc 8) lacks it. Without exceptions it can only abort.
namespace std {
[[noreturn]] void __throw_bad_array_new_length() { abort(); }
}  // namespace std
