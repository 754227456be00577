// Debian's libstdc++ headers were configured for glibc. Included before everything else, this declares the names that
// they mention and musl's headers lack. The addon does not use these, so nothing of them is linked.
#pragma once

#include <locale.h>
#include <pthread.h>

#define __GLIBC_PREREQ(major, minor) 0
#define _GLIBCXX_GTHREAD_USE_WEAK 0
#define __locale_t locale_t

extern "C" {
int pthread_cond_clockwait(pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*);
int pthread_mutex_clocklock(pthread_mutex_t*, clockid_t, const struct timespec*);
}
